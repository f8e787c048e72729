//! Secrets: settings name them, and never hold them.
//!
//! A setting that needs a secret is an object with the one member `secret`, the name of one in the
//! server's vault. [`references`] finds those, and [`scan`] finds what should have been one.

mod absence;
mod marked;
mod name;
mod reference;
mod scan;
mod shape;
#[cfg(test)]
mod tests;

pub use absence::SecretAbsence;
pub use marked::{Marked, marked};
pub use name::{InvalidSecretName, SecretName};
pub use reference::{Reference, references};
pub use scan::{Inline, Kind, scan, scan_text};

/// Whether the name of a setting speaks of a secret: it ends in `password`, `api-key` or the like,
/// however it is written.
pub fn speaks_of_secret(name: &str) -> bool {
    const WORDS: [&str; 9] = [
        "password",
        "passwd",
        "passphrase",
        "secret",
        "apikey",
        "accesskey",
        "privatekey",
        "credential",
        "authtoken",
    ];
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let plain = plain.to_ascii_lowercase();
    WORDS.iter().any(|word| plain.ends_with(word)) || plain == "token"
}
