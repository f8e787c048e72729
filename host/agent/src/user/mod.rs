//! What the device's user does with tasks: from the command line, also while the server is away.
//!
//! A [`request`] comes over the agent's [`socket`], or straight into the store where the agent does not
//! run, and is carried out by [`act`](act()) in one transaction. What needs the server is kept as an edit and told
//! as news; what needs no plug-in holds at once, as an [`overlay`] over what the server assigned, until the
//! server says what became of it ([`told`]).

pub mod act;
pub mod overlay;
pub mod request;
pub mod socket;
mod start;
pub mod target;
pub mod told;

pub use act::{Desk, UserError, act};
pub use request::{Done, Request};
