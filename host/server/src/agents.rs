//! The agents' edge: enrollment, and the link.

pub(crate) mod codec;
pub(crate) mod enroll;
pub(crate) mod link;
