//! Random histories over a server and a device: the server's work with its database and a real plug-in, the
//! agent's with its store, and between them a wire of the test, which breaks when the history says so.

mod check;
mod device;
mod history;
mod server;

pub use check::check;
pub use history::{Change, Field, History, Step, World};
pub use server::Server;
