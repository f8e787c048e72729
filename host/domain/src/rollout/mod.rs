//! Rollouts: how a run goes out over its scope, a wave after the other, and when it stops by itself.
//!
//! Read in this order: a [`Rollout`] is what an administrator writes; [`waves`] divides a scope by it,
//! once, when the run begins; [`step`] says what is next, whenever something has changed, from what is
//! known of the run alone. Nothing here is kept: [`Progress`] is the caller's.

mod check;
pub mod step;
#[cfg(test)]
mod tests;
pub mod waves;

pub use step::{Hold, Place, Progress, Step};
pub use waves::{Fleet, Stratum, Waves};

use crate::delivery::DeliveryState;
use crate::id::GroupId;
use serde::{Deserialize, Serialize};

/// How a run goes out.
///
/// [`Rollout::parse`] reads and checks one from JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Rollout {
    /// The version of this form: 1. A reader refuses what it does not know.
    #[serde(default = "form")]
    pub version: u32,
    /// The waves, 1 to 20. What none of them takes is one more, the last.
    pub waves: Vec<Wave>,
    /// At most so many devices are at it at once: 1 to 1,000,000. No limit if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_once: Option<u32>,
    /// When it stops by itself. Not at all if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<Stop>,
}

fn form() -> u32 {
    Rollout::FORM
}

impl Rollout {
    /// The version of the JSON form that this program writes.
    pub const FORM: u32 = 1;
}

/// A part of the devices, and what must be true of it before the next one begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Wave {
    /// Which devices.
    pub devices: Part,
    /// When the next wave begins.
    #[serde(default)]
    pub next: Gate,
}

/// Which devices are in a wave, of those that are in none before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    rename_all = "kebab-case",
    rename_all_fields = "kebab-case",
    deny_unknown_fields
)]
pub enum Part {
    /// So many of each kind: of each platform with each version of the application. Those that are linked
    /// come first, as the others tell nothing.
    Canaries {
        /// 1 to 100.
        #[serde(default = "one")]
        each: u32,
    },
    /// So many that with those of all waves before it is so much of the scope.
    Percent {
        /// 1 to 100.
        to: u32,
    },
    /// Those of some groups and of the groups below them.
    Groups {
        /// The groups.
        groups: Vec<GroupId>,
    },
}

fn one() -> u32 {
    1
}

/// When the wave after this one begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct Gate {
    /// So much of the wave was reached, that is, has the order: 1 to 100 percent, 50 if left out. Devices
    /// that are off hold up nothing beyond that.
    pub reached_percent: u32,
    /// Of those, so many have ended: 1 to 100 percent, 100 if left out.
    pub ended_percent: u32,
    /// From then on so many minutes pass, in which errors may show: up to 10,080, none if left out.
    pub wait_minutes: u32,
    /// A person says that it goes on.
    pub approval: bool,
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            reached_percent: 50,
            ended_percent: 100,
            wait_minutes: 0,
            approval: false,
        }
    }
}

/// When a rollout stops by itself: no further device begins until a person lets it go on. What was
/// never delivered is no error, and counts for nothing here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Stop {
    /// More than so much of what ended are errors: 0 to 100 percent.
    pub errors_percent: u32,
    /// Not before so many have ended: 1 to 1,000,000, 1 if left out.
    #[serde(default = "one")]
    pub of_at_least: u32,
}

impl Stop {
    /// Whether so many errors, of so many that ended, are too many.
    pub fn is_over(self, errors: u64, ended: u64) -> bool {
        ended >= u64::from(self.of_at_least)
            && errors.saturating_mul(100) > u64::from(self.errors_percent).saturating_mul(ended)
    }
}

/// Whether a delivery that ended like that is an error to a rollout. What was missed, cancelled or is not
/// supported says nothing of what the task does.
pub fn is_error(state: DeliveryState) -> bool {
    matches!(state, DeliveryState::Failed | DeliveryState::TimedOut)
}
