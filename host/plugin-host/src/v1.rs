//! Major version 1 of the contract: thin translation between WIT and the domain, no rules.

mod bindings;
mod capabilities;
mod describe;
mod exports;
#[cfg(feature = "fuzz")]
pub(crate) mod fuzz;
mod imports;

pub(crate) use describe::read as read_description;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) use exports::RawEvent;
pub(crate) use exports::{Declined, Exports, RawOutcome};
pub(crate) use imports::{Offered, link, offers};
