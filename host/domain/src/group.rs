//! Administration groups: a tree over the devices.

use crate::id::GroupId;
use serde::{Deserialize, Serialize};

/// A group. Every device is in exactly one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Its number.
    pub id: GroupId,
    /// The group above; none for the root alone.
    pub parent: Option<GroupId>,
    /// Unique among the groups beside it.
    pub name: String,
}

/// Whether a text may name a group, a device or a task: 1 to 100 characters, none of them one that
/// steers how others are shown, no white space at either end, and for a group no slash.
pub fn is_name(text: &str) -> bool {
    (1..=100).contains(&text.chars().count())
        && text.trim() == text
        && !text.contains(crate::text::is_steering)
}
