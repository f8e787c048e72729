//! The Administration Server's network edge, and the program around it.
//!
//! [`Server::start`] puts everything together. From there, top down: `accept` (TLS connections),
//! `router` (every route), `api` and `agents` (handlers), `problem` (every error). What the server
//! does lies in `muster-app`.

mod accept;
mod administrator;
mod agents;
mod api;
pub mod arguments;
mod authority;
mod body;
pub mod config;
mod edge;
mod first_token;
mod folder;
pub mod log;
mod metrics;
mod nearest;
mod openapi;
mod problem;
mod request;
mod router;
mod server;
mod stream;
mod strict;
mod tls;
pub mod vault;

pub use authority::AuthorityError;
pub use config::Config;
pub use first_token::FirstToken;
pub use folder::FolderError;
pub use server::{Server, StartError};
pub use tls::TlsError;
