//! Tags of devices.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// The tags of a device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TagView {
    /// All of them, in order.
    pub tags: BTreeSet<String>,
}

/// Tags to give and to take. Those of the same word in letters of another case are the same.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TagChange {
    /// To give.
    #[serde(default)]
    pub add: Vec<String>,
    /// To take, before that.
    #[serde(default)]
    pub remove: Vec<String>,
}
