//! Plans: what it would mean for tasks and devices to put another revision of a plug-in to work.

use crate::Digest;
use crate::finding::{Finding, any_error};
use crate::id::{ApplicationId, SignerName, TaskId, TaskTypeId};
use crate::profile::Profile;
use crate::revision::RevisionState;
use crate::settings::Settings;
use serde::Serialize;
use serde_json::Value;

/// What a revision would mean for every task of its application.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Names the state that the plan was made on and what it says. On another state there is
    /// another plan, with another id.
    pub id: Digest,
    /// The application.
    pub application: ApplicationId,
    /// The revision that has the application's place now, if one has.
    pub from: Option<Digest>,
    /// How that one stands.
    pub from_state: Option<RevisionState>,
    /// Why that one is trusted.
    pub from_trust: Option<Ground>,
    /// The revision that would be.
    pub to: Digest,
    /// Why it is trusted.
    pub trust: Ground,
    /// Whether its version is lower than that of the one in place.
    pub downgrade: bool,
    /// Each task that was not deleted, by number.
    pub tasks: Vec<TaskPlan>,
}

impl Plan {
    /// Whether nothing changes on any device, every task stays valid, and the same vendor signed it.
    /// Where nothing can be compared: whether every task is valid, and every device is served.
    /// A task without devices brings no change to any; it counts as long as it is valid.
    pub fn is_clean(&self) -> bool {
        !self.changes_signer() && self.tasks.iter().all(TaskPlan::is_clean)
    }

    /// For how many tasks it comes to this.
    pub fn count(&self, effect: Effect) -> usize {
        let with = self.tasks.iter().filter(|task| task.effect == effect);
        with.count()
    }

    /// Whether nobody who signed the one in place signed this one.
    pub fn changes_signer(&self) -> bool {
        let Some(before) = &self.from_trust else {
            return false;
        };
        if before.signers.is_empty() && self.trust.signers.is_empty() {
            return false;
        }
        let known = |signer: &Signer| before.signers.iter().any(|by| by.name == signer.name);
        !self.trust.signers.iter().any(known)
    }
}

/// Why a revision is trusted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Ground {
    /// `signed`, `pinned` or `unsigned`; `unknown` of one that was installed before anybody asked.
    pub name: String,
    /// Who signed it. Empty if nobody did.
    pub signers: Vec<Signer>,
}

/// Who signed a revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Signer {
    /// The name by which the trust store has him.
    pub name: SignerName,
    /// The name, and the key or identity that he used, for people.
    pub text: String,
}

/// What a revision would mean for one task.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskPlan {
    /// The task.
    pub task: TaskId,
    /// Its name.
    pub name: String,
    /// Its type.
    pub task_type: TaskTypeId,
    /// The revision of the task that was looked at.
    pub revision: u32,
    /// What it comes to.
    pub effect: Effect,
    /// The settings that become a new revision of the task, if any do.
    pub next: Option<NextSettings>,
    /// What changes in the settings.
    pub settings: Vec<Change>,
    /// What the new revision of the plug-in finds in them.
    pub findings: Vec<Finding>,
    /// Profiles whose devices get something else, at most [`TaskPlan::MOST_PROFILES`].
    pub profiles: Vec<ProfilePlan>,
    /// How many profiles there are beyond those.
    pub more_profiles: u32,
    /// A word for people, such as why older settings could not be brought back.
    pub note: Option<String>,
    /// Why there is nothing to compare with, if so. Then [`TaskPlan::profiles`] has those that are not
    /// supported.
    pub uncompared: Option<String>,
    /// Whether no device in its scope has the application, so that neither revision was asked for a
    /// command.
    pub no_devices: bool,
}

impl TaskPlan {
    /// Profiles that are told in full.
    pub const MOST_PROFILES: usize = 20;

    fn is_clean(&self) -> bool {
        match self.effect {
            // Without devices nothing changes on any. Those that come later get what the new revision
            // says from the start.
            Effect::Identical | Effect::Migrated | Effect::NoDevices => true,
            Effect::Uncompared => self.profiles.is_empty(),
            Effect::Changed | Effect::Invalid => false,
        }
    }

    /// Whether a plug-in failed while it was asked, so that the next time may bring another answer.
    pub fn is_doubtful(&self) -> bool {
        self.uncompared.is_some() || self.findings.iter().any(|one| one.code == "plugin-fault")
    }

    /// Sets the effect from what was found.
    pub fn conclude(&mut self) {
        self.effect = if any_error(&self.findings) {
            Effect::Invalid
        } else if self.no_devices {
            Effect::NoDevices
        } else if self.uncompared.is_some() {
            Effect::Uncompared
        } else if !self.profiles.is_empty() {
            Effect::Changed
        } else if self.next.is_some() {
            Effect::Migrated
        } else {
            Effect::Identical
        };
    }
}

/// Settings that become a new revision of a task when the plug-in changes.
#[derive(Debug, Clone, PartialEq)]
pub struct NextSettings {
    /// The settings.
    pub settings: Settings,
    /// The version of the schema that they follow.
    pub schema_version: u32,
    /// The task revision whose settings are brought back, if they are not migrated.
    pub restores: Option<u32>,
}

/// What becomes of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing changes.
    Identical,
    /// Its settings are written anew, and its devices get the same as before.
    Migrated,
    /// Devices get something else.
    Changed,
    /// Its settings are valid, and were brought up to date if need be. No device in its scope has the
    /// application, so nothing was translated: whether commands would differ is not known.
    NoDevices,
    /// It is valid; nobody can tell what its devices got before.
    Uncompared,
    /// The new revision does not take its settings.
    Invalid,
}

impl Effect {
    /// All of them, from the one that needs no look to the one that needs it most.
    pub const ALL: [Self; 6] = [
        Self::Identical,
        Self::Migrated,
        Self::NoDevices,
        Self::Changed,
        Self::Uncompared,
        Self::Invalid,
    ];

    /// Stable, for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Identical => "identical",
            Self::Migrated => "migrated",
            Self::Changed => "changed",
            Self::NoDevices => "no-devices",
            Self::Uncompared => "uncompared",
            Self::Invalid => "invalid",
        }
    }
}

/// What changes for the devices of one profile.
#[derive(Debug, Clone, PartialEq)]
pub struct ProfilePlan {
    /// The profile.
    pub profile: Profile,
    /// Devices of the task that have it.
    pub devices: u64,
    /// How.
    pub support: Support,
    /// What changes in the command.
    pub command: Vec<Change>,
    /// Why it is not supported, by whichever revision does not.
    pub reason: Option<String>,
}

/// Whether a profile is supported, before and after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    /// Before and after.
    Kept,
    /// Only after.
    Gained,
    /// Only before.
    Lost,
}

impl Support {
    /// Stable, for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Gained => "gained",
            Self::Lost => "lost",
        }
    }
}

/// One difference between two JSON values.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// A JSON Pointer (RFC 6901).
    pub pointer: String,
    /// What was there.
    pub before: Option<Value>,
    /// What is there.
    pub after: Option<Value>,
}

/// Differences that are told of two values.
const MOST_CHANGES: usize = 100;

/// The differences between two JSON values, the smallest parts of them that differ; at most 100.
pub fn changes(before: &Value, after: &Value) -> Vec<Change> {
    let mut changes = Vec::new();
    compare(&mut changes, String::new(), Some(before), Some(after));
    changes
}

fn compare(
    changes: &mut Vec<Change>,
    pointer: String,
    before: Option<&Value>,
    after: Option<&Value>,
) {
    if before == after || changes.len() >= MOST_CHANGES {
        return;
    }
    match (before, after) {
        (Some(Value::Object(before)), Some(Value::Object(after))) => {
            let added = after.keys().filter(|key| !before.contains_key(*key));
            for key in before.keys().chain(added) {
                let step = key.replace('~', "~0").replace('/', "~1");
                let pointer = format!("{pointer}/{step}");
                compare(changes, pointer, before.get(key), after.get(key));
            }
        }
        (Some(Value::Array(before)), Some(Value::Array(after))) => {
            for place in 0..before.len().max(after.len()) {
                let pointer = format!("{pointer}/{place}");
                compare(changes, pointer, before.get(place), after.get(place));
            }
        }
        _ => changes.push(Change {
            pointer,
            before: before.cloned(),
            after: after.cloned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn differences_are_told_at_their_smallest() {
        let before = json!({"a": {"b": 1, "c/d": [1, 2]}, "e": true});
        let after = json!({"a": {"b": 1, "c/d": [1, 3, 4]}, "f": null});
        let told: Vec<(String, Option<Value>, Option<Value>)> = changes(&before, &after)
            .into_iter()
            .map(|change| (change.pointer, change.before, change.after))
            .collect();
        assert_eq!(
            told,
            [
                ("/a/c~1d/1".to_owned(), Some(json!(2)), Some(json!(3))),
                ("/a/c~1d/2".to_owned(), None, Some(json!(4))),
                ("/e".to_owned(), Some(json!(true)), None),
                ("/f".to_owned(), None, Some(json!(null))),
            ]
        );
        assert!(changes(&after, &after).is_empty());
        let many: Vec<u32> = (0..1000).collect();
        assert_eq!(changes(&json!([]), &json!(many)).len(), 100);
    }

    fn ground(signers: &[&str]) -> Ground {
        let signer = |name: &&str| Signer {
            name: SignerName::new(*name).unwrap(),
            text: (*name).to_owned(),
        };
        Ground {
            name: "signed".into(),
            signers: signers.iter().map(signer).collect(),
        }
    }

    #[test]
    fn another_signer_is_one_that_did_not_sign_before() {
        let mut plan = Plan {
            id: Digest::of(b""),
            application: ApplicationId::new("org.example.a").unwrap(),
            from: Some(Digest::of(b"1")),
            from_state: Some(RevisionState::Active),
            from_trust: None,
            to: Digest::of(b"2"),
            trust: ground(&["a", "b"]),
            downgrade: false,
            tasks: Vec::new(),
        };
        assert!(plan.is_clean());
        for (before, changes) in [
            (ground(&["b"]), false),
            (ground(&["c"]), true),
            (ground(&[]), true),
        ] {
            plan.from_trust = Some(before);
            assert_eq!(plan.changes_signer(), changes);
            assert_eq!(plan.is_clean(), !changes);
        }
        plan.trust = ground(&[]);
        plan.from_trust = Some(ground(&["b"]));
        assert!(plan.changes_signer());
        plan.from_trust = Some(ground(&[]));
        assert!(!plan.changes_signer());
    }
}
