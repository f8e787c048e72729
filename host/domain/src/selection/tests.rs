//! What selections promise: texts read back, evaluation is what a slow reader of the query finds, and no
//! text does harm.

mod evaluate;
mod read;
mod strategy;

use super::*;
use crate::delivery::DeliveryState;
use crate::device::{ApplicationState, Device, Facts, InstalledApplication};
use crate::id::{ApplicationId, DeviceId, GroupId};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

fn query(text: &str) -> Query {
    match Query::parse(text) {
        Ok((query, _)) => query,
        Err(faults) => panic!("{text}: {faults:?}"),
    }
}

fn application(id: &str) -> ApplicationId {
    ApplicationId::new(id).unwrap()
}

/// A device and what is known of it beside.
#[derive(Debug, Clone)]
struct Known {
    device: Device,
    path: String,
    online: bool,
    tags: BTreeSet<String>,
    outcomes: BTreeMap<TaskId, DeliveryState>,
}

const NOW: Timestamp = Timestamp::constant(1_790_000_000, 0);

fn minutes(count: i64) -> SignedDuration {
    SignedDuration::from_mins(count)
}

impl Known {
    fn is_in(&self, text: &str) -> bool {
        self.fits(&query(text))
    }

    fn fits(&self, query: &Query) -> bool {
        let view = DeviceView {
            group_path: &self.path,
            online: self.online,
            tags: &self.tags,
            outcomes: &self.outcomes,
        };
        query.matches(&self.device, &view, NOW)
    }
}
