//! What server and agents say to each other.
//!
//! Old agents stay in the field, so this changes slowly: within a version, fields and messages are
//! only added, and each side ignores what it does not know.
//!
//! 1. [`enroll`]: a one-time token becomes a certificate, over HTTPS.
//! 2. [`message`]: JSON texts over a WebSocket with mutual TLS. The agent begins with `hello`.
//! 3. [`order`]: what the server wants of a delivery, signed, so that a device can tell that it is
//!    meant, by whom, and since when. [`assignment`]: the same for what a device starts by itself.
//! 4. [`secret`]: what a delivery needs of the vault, sealed to the device.

pub mod assignment;
pub mod enroll;
pub mod message;
pub mod order;
pub mod secret;
pub mod user;

/// The version of this protocol. Both sides name theirs; the lower one holds.
pub const VERSION: u32 = 1;

/// Where an agent enrolls: `POST` of an [`enroll::EnrollRequest`].
pub const ENROLL_PATH: &str = "/agents/v1/enroll";

/// Where an agent links: a WebSocket.
pub const LINK_PATH: &str = "/agents/v1/link";

/// The longest message from an agent. A report with all that it may keep is shorter.
pub const MOST_AGENT_MESSAGE: usize = 8 * 1024 * 1024;

/// The longest message from the server: a command, with its settings spelt out in arguments.
pub const MOST_SERVER_MESSAGE: usize = 4 * 1024 * 1024;
