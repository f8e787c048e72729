//! Administrators.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An administrator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AdministratorView {
    /// The name, as events tell it.
    pub name: String,
    /// When the token was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// The token; only in the answer to who made it. The server keeps its digest alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// An administrator to be.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdministratorCreate {
    /// The name: 1 to 100 characters. No two have the same.
    pub name: String,
}
