//! The agent: the program on a device that carries out what its server orders.
//!
//! The way of an order: [`link`] receives it, [`orders`] judges it and makes it a row, [`deliver`]
//! waits until the application is ready, [`execute`] runs the programs that the application's
//! [`connector`] names, and the result goes back as a row and over the link, until the server
//! acknowledges it. Where the server leaves the start to the device, [`assignments`] takes the place of
//! orders, and [`schedule`] makes the rows when their time comes. Everything that must survive is in the [`store`].

pub mod agent;
pub mod applications;
pub mod assignments;
pub mod config;
pub mod connector;
mod deliver;
pub mod enroll;
pub mod execute;
pub mod facts;
mod housekeeping;
pub mod identity;
mod link;
mod nearest;
pub mod orders;
pub mod platform_log;
mod process;
pub mod schedule;
mod secrets;
pub mod store;
pub mod tls;
pub mod user;
mod wake;

pub use agent::{Agent, AgentError, AgentOptions};
pub use identity::Identity;
