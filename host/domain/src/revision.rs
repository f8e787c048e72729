//! Revisions of plug-ins: each installed component is one, and never changes.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Where a revision of a plug-in stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RevisionState {
    /// It came in, and nothing was looked at yet.
    Uploaded,
    /// It may be trusted.
    Verified,
    /// It was compiled, and described itself.
    Compiled,
    /// The gate refused it; the reason is kept.
    Refused,
    /// It passed the gate and waits for somebody to activate it.
    Ready,
    /// It is ready, and answers beside the active one without effect.
    Shadow,
    /// It speaks for its application.
    Active,
    /// It would speak for its application, but could not be loaded.
    Failed,
    /// It would speak for its application, but was put aside for its faults.
    Quarantined,
    /// Another one has taken its place; it is kept for a roll-back.
    Superseded,
    /// Its component is gone. What it said of itself stays, so that its tasks can be read.
    Removed,
}

impl RevisionState {
    /// The word that rows and JSON use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Uploaded => "uploaded",
            Self::Verified => "verified",
            Self::Compiled => "compiled",
            Self::Refused => "refused",
            Self::Ready => "ready",
            Self::Shadow => "shadow",
            Self::Active => "active",
            Self::Failed => "failed",
            Self::Quarantined => "quarantined",
            Self::Superseded => "superseded",
            Self::Removed => "removed",
        }
    }

    /// Whether it has its application's place, able to work or not. One revision has it at a time.
    pub fn is_current(self) -> bool {
        matches!(self, Self::Active | Self::Failed | Self::Quarantined)
    }

    /// Whether its component is kept.
    pub fn is_kept(self) -> bool {
        self.is_current() || matches!(self, Self::Ready | Self::Shadow | Self::Superseded)
    }

    /// Whether it can be asked what the reports mean that its own commands led to.
    pub fn may_interpret(self) -> bool {
        self == Self::Active || self.may_activate()
    }

    /// Whether it can be put into its application's place.
    pub fn may_activate(self) -> bool {
        matches!(self, Self::Ready | Self::Shadow | Self::Superseded)
    }
}

impl fmt::Display for RevisionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_came_back_into_its_place_still_reads_what_it_led_to() {
        for state in [RevisionState::Active, RevisionState::Superseded] {
            assert!(state.may_interpret(), "{state}");
        }
        for state in [RevisionState::Quarantined, RevisionState::Removed] {
            assert!(!state.may_interpret(), "{state}");
        }
        assert!(!RevisionState::Active.may_activate());
    }
}
