//! A vendor's release of a plug-in: the component, what its signer states of it, the signatures,
//! and the forms in which these travel.
//!
//! Nothing here runs a component or reads a database. What comes in is hostile: each part is
//! bounded, and read strictly, before anything is taken from it.

mod strict;

pub mod bundle;
pub mod registry;
pub mod revocation;
pub mod signature;
pub mod statement;
pub mod trust;
