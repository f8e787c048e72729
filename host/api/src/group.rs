//! Administration groups.

use crate::user::UserPolicyView;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A group.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct GroupView {
    /// Its number.
    pub id: i64,
    /// The group above; null for the root alone.
    pub parent: Option<i64>,
    /// Its name; empty for the root.
    pub name: String,
    /// Its path, such as `/Office/Berlin`; the root is `/`.
    pub path: String,
    /// Devices in it, without those in groups below.
    pub devices: u64,
    /// What the users of its devices may do with tasks.
    #[serde(default)]
    pub users: UserPolicyView,
}

/// A group to be.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupCreate {
    /// Its name: 1 to 100 characters, no slash.
    pub name: String,
    /// The group above, by number or path; the root if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
}

/// What may be changed of a group. What is left out stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupChange {
    /// Another name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Another group above, by number or path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
}
