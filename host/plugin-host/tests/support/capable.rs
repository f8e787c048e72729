//! The guest that uses every capability.

#[path = "../../../../tests/capable-guest/src/slot.rs"]
pub mod slot;

use super::{TestHost, built, with_slot};
use muster_domain::TaskTypeId;
use muster_domain::grant::{Capability, Grants};
use muster_domain::settings::Settings;
use muster_plugin_host::{CallError, Plugin, Terms};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

/// The guest, with what it asks for: `nothing`, `memory 2.0.0`. An empty text leaves it as it is.
pub fn capable(asks: &str) -> Arc<[u8]> {
    static GUEST: OnceLock<Vec<u8>> = OnceLock::new();
    let guest = GUEST.get_or_init(|| built("muster-test-capable-guest"));
    // A blank is no word, and makes the slot a written one.
    with_slot(guest, slot::SLOT, slot::SLOT_BYTES, &format!(" {asks}"))
}

/// Grants of capabilities.
pub fn granted(capabilities: &[Capability]) -> Grants {
    Grants {
        capabilities: capabilities.iter().copied().collect(),
        ..Grants::default()
    }
}

/// All that there is, for an active plug-in.
pub fn all() -> Terms {
    Terms::active(granted(&Capability::ALL))
}

/// What the guest says that came of something.
pub async fn said(plugin: &Arc<Plugin>, settings: serde_json::Value) -> Result<String, CallError> {
    let settings = Settings::from_value(&settings).unwrap();
    let task_type: TaskTypeId = "use".parse().unwrap();
    let findings = plugin.validate(&task_type, &settings).await?;
    Ok(findings[0].text.clone())
}

/// Where the application's files lie.
pub fn folder(host: &TestHost) -> PathBuf {
    host.folder.path().join("files/org.example.capable")
}
