//! A look at devices: what queries ask about them, read once for all devices and queries.

use crate::AppError;
use crate::place::Tree;
use jiff::Timestamp;
use muster_domain::delivery::DeliveryState;
use muster_domain::device::Device;
use muster_domain::selection::{DeviceView, Query};
use muster_domain::{DeviceId, TaskId};
use muster_storage::Connection;
use muster_storage::delivery::delivery_latest_of_task;
use muster_storage::device::{device_list, device_list_of};
use muster_storage::tag::tag_list_all;
use roaring::RoaringBitmap;
use std::collections::{BTreeMap, BTreeSet};

/// Devices are looked at so many at a time.
const PAGE: u32 = 1000;

/// What queries need to know besides the device itself.
pub(crate) struct Look {
    pub(crate) tree: Tree,
    tags: BTreeMap<DeviceId, BTreeSet<String>>,
    outcomes: BTreeMap<DeviceId, BTreeMap<TaskId, DeliveryState>>,
    pub(crate) online: RoaringBitmap,
    now: Timestamp,
}

impl Look {
    /// Reads what these queries ask for.
    pub(crate) async fn begin(
        connection: &mut Connection,
        online: RoaringBitmap,
        queries: impl Iterator<Item = &Query>,
    ) -> Result<Self, AppError> {
        let mut outcomes: BTreeMap<DeviceId, BTreeMap<TaskId, DeliveryState>> = BTreeMap::new();
        let tasks: BTreeSet<TaskId> = queries.flat_map(Query::tasks).collect();
        for task in tasks {
            for (device, state) in delivery_latest_of_task(connection, task).await? {
                outcomes.entry(device).or_default().insert(task, state);
            }
        }
        Ok(Self {
            tree: Tree::read(connection).await?,
            tags: tag_list_all(connection).await?,
            outcomes,
            online,
            now: muster_clock::now(),
        })
    }

    /// Whether a query means a device.
    pub(crate) fn means(&self, query: &Query, device: &Device) -> bool {
        static NO_TAGS: BTreeSet<String> = BTreeSet::new();
        static NO_OUTCOMES: BTreeMap<TaskId, DeliveryState> = BTreeMap::new();
        let view = DeviceView {
            group_path: &self.tree.path(device.group),
            online: self.online.contains(device.id.0),
            tags: self.tags.get(&device.id).unwrap_or(&NO_TAGS),
            outcomes: self.outcomes.get(&device.id).unwrap_or(&NO_OUTCOMES),
        };
        query.matches(device, &view, self.now)
    }
}

/// Devices by number, a page at a time.
pub(crate) struct Pages {
    after: DeviceId,
    /// These alone; all, if none.
    these: Option<Vec<DeviceId>>,
}

impl Pages {
    pub(crate) fn of(these: Option<&RoaringBitmap>) -> Self {
        // Taken from the end.
        let these = these.map(|these| these.iter().rev().map(DeviceId).collect());
        Self {
            after: DeviceId(0),
            these,
        }
    }

    /// The next devices that are there.
    pub(crate) async fn next(
        &mut self,
        connection: &mut Connection,
    ) -> Result<Option<Vec<Device>>, AppError> {
        let Some(these) = &mut self.these else {
            let page = device_list(connection, None, self.after, PAGE).await?;
            let last = page.last().map(|last| last.id);
            self.after = last.unwrap_or(self.after);
            return Ok(last.map(|_| page));
        };
        if these.is_empty() {
            return Ok(None);
        }
        let part = these.split_off(these.len().saturating_sub(PAGE as usize));
        Ok(Some(device_list_of(connection, &part).await?))
    }
}
