//! The JSON of the REST interface under `/api/v1`: what the server writes and reads, and what the
//! command line and the console read and write. It compiles without either.
//!
//! Requests refuse unknown fields; views may gain fields within `/api/v1`. Times are RFC 3339 in
//! UTC; time limits are seconds; digests are `sha256:` and 64 hexadecimal digits.

pub mod administrator;
pub mod device;
pub mod event;
pub mod forecast;
pub mod group;
pub mod objects;
pub mod page;
pub mod plan;
pub mod plugin;
pub mod problem;
pub mod run;
pub mod secret;
pub mod selection;
pub mod server;
pub mod tag;
pub mod task;
pub mod trust;
pub mod user;
pub mod window;

/// Where everything but agents, health and metrics lives.
pub const BASE: &str = "/api/v1";
