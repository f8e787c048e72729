//! Where a revision of a task came from: by what way it was made, from which address, by which program.
//!
//! Who made it is the revision's [`Actor`](crate::event::Actor).

use crate::text::plain;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// The longest name of a program that is kept, in characters.
const MOST_PROGRAM: usize = 100;

/// Where a revision came from. What is not known is none: rows of an older server say nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Origin {
    /// By what way. None where an older server wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub way: Option<Way>,
    /// The address that the request came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// The program that made the request, as it names itself: `muster/0.1.0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// Why, in the words of whoever made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// By what way a revision was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// Somebody created the task.
    Create,
    /// Somebody changed it.
    Change,
    /// It was copied from another task.
    Copy,
    /// It was imported from a file.
    Import,
    /// It was applied from files that say how the server is to be.
    Apply,
    /// An earlier revision was brought back.
    RollBack,
    /// Another revision of the plug-in brought its settings up to date.
    Migration,
    /// It was made or changed on a device.
    Device,
}

impl Way {
    /// Stable, for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Change => "change",
            Self::Copy => "copy",
            Self::Import => "import",
            Self::Apply => "apply",
            Self::RollBack => "roll-back",
            Self::Migration => "migration",
            Self::Device => "device",
        }
    }
}

impl Origin {
    /// The longest comment, in characters.
    pub const MOST_COMMENT: usize = 500;

    /// What the server, a plug-in or a device did by itself.
    pub fn by_itself(way: Way) -> Self {
        Self {
            way: Some(way),
            ..Self::default()
        }
    }

    /// What a program asked for.
    pub fn asked(client: &Client, way: Way) -> Self {
        Self {
            way: Some(way),
            address: client.address,
            program: client.program.clone(),
            comment: None,
        }
    }

    /// The same with a comment.
    #[must_use]
    pub fn commented(mut self, comment: Option<String>) -> Self {
        self.comment = comment;
        self
    }
}

/// Whoever is at the other end of a connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Client {
    /// Where it is.
    pub address: Option<IpAddr>,
    /// What it is, as it names itself.
    pub program: Option<String>,
}

impl Client {
    /// A client at an address. What it says of itself is made plain and short.
    pub fn new(address: Option<IpAddr>, program: Option<&str>) -> Self {
        let short = |text: &str| plain(text).trim().chars().take(MOST_PROGRAM).collect();
        let program: Option<String> = program.map(short);
        Self {
            // One address, however the socket writes it.
            address: address.map(|address| address.to_canonical()),
            program: program.filter(|program| !program.is_empty()),
        }
    }
}

/// Whether a text may stand as a comment: one line of at most [`Origin::MOST_COMMENT`] characters.
pub fn is_comment(text: &str) -> bool {
    !text.trim().is_empty()
        && text.chars().count() <= Origin::MOST_COMMENT
        && !text.contains(crate::text::is_steering)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_says_of_itself_is_plain_and_short() {
        let client = Client::new(
            Some("::ffff:192.0.2.7".parse().unwrap()),
            Some("muster/0.1.0\u{1b}[2J\n"),
        );
        assert_eq!(client.address, Some("192.0.2.7".parse().unwrap()));
        assert_eq!(client.program.as_deref(), Some("muster/0.1.0\u{fffd}[2J"));
        let long = Client::new(None, Some(&"ä".repeat(1000)));
        assert_eq!(
            long.program.map(|program| program.chars().count()),
            Some(100)
        );
        assert_eq!(Client::new(None, Some("  ")).program, None);
    }

    #[test]
    fn an_origin_reads_back_and_one_without_anything_is_empty() {
        let client = Client::new(Some("192.0.2.7".parse().unwrap()), Some("curl/8"));
        let origin = Origin::asked(&client, Way::RollBack).commented(Some("too slow".into()));
        let text = serde_json::json!(origin).to_string();
        assert!(text.contains(r#""way":"roll-back""#), "{text}");
        assert_eq!(serde_json::from_str::<Origin>(&text).unwrap(), origin);
        assert_eq!(
            serde_json::from_str::<Origin>("{}").unwrap(),
            Origin::default()
        );
    }

    #[test]
    fn a_comment_is_a_line() {
        assert!(is_comment("because of INC-7") && is_comment(&"ä".repeat(500)));
        for text in ["", "  ", "a\nb", &"ä".repeat(501)] {
            assert!(!is_comment(text), "{text:?}");
        }
    }
}
