//! A plug-in's component as a file: made of a module ([`encode`]), without what only debuggers read
//! ([`strip`]), with what registries show ([`annotate`]), and read ([`Anatomy`]).
//!
//! No engine is needed for any of it. Whether a server takes the component is another question, and
//! the plug-in host answers it.

mod anatomy;
mod encode;
mod leb;
mod metadata;
mod nothing;
mod section;
mod strip;

pub use anatomy::{Anatomy, Annotation, DataFile, Producer, SectionSize};
pub use encode::{EncodeError, encode};
pub use metadata::{Metadata, annotate};
pub use nothing::{NOTHING, NothingError, nothing};
pub use section::Damaged;
pub use strip::strip;
