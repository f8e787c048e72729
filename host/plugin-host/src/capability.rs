//! Capabilities: what a plug-in may do beyond computing. Granted, limited and done here once, for
//! all versions of the contract.

pub(crate) mod log;
