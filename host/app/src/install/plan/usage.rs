//! Usage: the profiles that devices have, for each task type of an application.

use crate::{App, AppError};
use muster_domain::application::{Needs, TaskType};
use muster_domain::device::{ApplicationState, Device};
use muster_domain::profile::Profile;
use muster_domain::{ApplicationId, DeviceId, Digest, TaskTypeId};
use muster_plugin_host::Plugin;
use muster_storage::device::device_list;
use roaring::RoaringBitmap;
use std::collections::BTreeMap;

/// Devices read at once.
const PAGE: u32 = 1000;

/// A profile of a task's devices, and how many of them have it.
pub(super) type Group = (Profile, u64);

/// Which devices have which profile. Profiles here hold the facts that either revision reads.
#[derive(Debug, Default)]
pub(crate) struct Usage(BTreeMap<TaskTypeId, BTreeMap<Profile, RoaringBitmap>>);

struct Read {
    facts: Vec<String>,
    needs_nothing: bool,
}

impl Usage {
    pub(super) async fn read(
        app: &App,
        from: Option<&Plugin>,
        to: &Plugin,
    ) -> Result<Self, AppError> {
        let mut types: BTreeMap<TaskTypeId, Read> = BTreeMap::new();
        let all = from.into_iter().chain([to]);
        for task_type in all.flat_map(|plugin| &plugin.description().task_types) {
            let read = types.entry(task_type.id.clone()).or_insert_with(|| Read {
                facts: Vec::new(),
                needs_nothing: false,
            });
            read.add(task_type);
        }
        let mut usage = Self::default();
        let mut connection = app.0.storage.read().await?;
        let mut after = DeviceId(0);
        loop {
            let devices = device_list(&mut connection, None, after, PAGE).await?;
            let Some(last) = devices.last() else {
                return Ok(usage);
            };
            after = last.id;
            for device in &devices {
                usage.add(&to.description().application, &types, device);
            }
        }
    }

    fn add(
        &mut self,
        application: &ApplicationId,
        types: &BTreeMap<TaskTypeId, Read>,
        device: &Device,
    ) {
        let Some(installed) = device.application(application) else {
            return;
        };
        for (id, read) in types {
            if installed.state == ApplicationState::Absent && !read.needs_nothing {
                continue;
            }
            let profile = device.profile(application, &read.facts);
            let profiles = self.0.entry(id.clone()).or_default();
            profiles.entry(profile).or_default().insert(device.id.0);
        }
    }

    /// The profiles of a task's targets.
    pub(super) fn groups(&self, task_type: &TaskTypeId, targets: &RoaringBitmap) -> Vec<Group> {
        let Some(profiles) = self.0.get(task_type) else {
            return Vec::new();
        };
        profiles
            .iter()
            .map(|(profile, devices)| (profile.clone(), devices.intersection_len(targets)))
            .filter(|(_, devices)| *devices > 0)
            .collect()
    }

    /// All profiles, without their devices.
    pub(super) fn profiles(&self) -> Vec<(&TaskTypeId, Vec<&Profile>)> {
        self.0
            .iter()
            .map(|(id, profiles)| (id, profiles.keys().collect()))
            .collect()
    }
}

impl Read {
    fn add(&mut self, task_type: &TaskType) {
        self.needs_nothing |= task_type.needs == Needs::Nothing;
        for fact in &task_type.facts {
            if !self.facts.contains(fact) {
                self.facts.push(fact.clone());
            }
        }
    }
}

/// Names groups by what is in them.
pub(super) fn digest(groups: &[Group]) -> Digest {
    Digest::of(serde_json::json!(groups).to_string())
}
