//! What a task will do, told before it is saved: who is in its scope, where it cannot be done and why,
//! and when it will start.

mod load;

pub use load::{Clash, Load};

use load::Asked;

use crate::assign::WindowsOfSets;
use crate::deliver::{Placement, Translations};
use crate::place::devices_of;
use crate::submit::TaskRequest;
use crate::{Administrator, App, AppError};
use jiff::tz::TimeZone;
use muster_domain::application::Mark;
use muster_domain::delivery::Cause;
use muster_domain::device::{Device, Facts};
use muster_domain::finding::Finding;
use muster_domain::schedule::forecast::{Start, starts};
use muster_domain::schedule::window::{Window, Windows};
use muster_domain::schedule::{Schedule, Zone};
use muster_domain::{DeviceId, TaskId};
use muster_storage::device::device_list_of;
use std::collections::BTreeMap;

/// Starts that are told of each zone.
const MOST_STARTS: usize = 20;

/// Devices that are named for each reason; the others are counted.
const MOST_NAMED: usize = 20;

/// What a task will do.
#[derive(Debug, Clone, Default)]
pub struct Forecast {
    /// Devices in its scope now.
    pub devices: u64,
    /// How many of them are linked now.
    pub online: u64,
    /// How many of them can do it as they are.
    pub able: u64,
    /// Where it cannot be done, or not now, by reason.
    pub hindered: Vec<Hindered>,
    /// The next starts, by the zones and windows of devices. None without times.
    pub starts: Vec<ZoneStarts>,
    /// How long it will take, by what tasks of its type took. None if none has run.
    pub load: Option<Load>,
    /// Other tasks that start at about the same times on the same devices.
    pub clashes: Vec<Clash>,
    /// Warnings and notices, about settings and schedule.
    pub findings: Vec<Finding>,
}

/// Devices on which a task cannot be done, or not now.
#[derive(Debug, Clone)]
pub struct Hindered {
    /// Why.
    pub cause: Cause,
    /// Whether it stays so until the device changes.
    pub for_good: bool,
    /// How many devices.
    pub devices: u64,
    /// The first of them by name, at most twenty.
    pub named: Vec<String>,
}

/// The next starts of devices in one zone that have the same windows.
#[derive(Debug, Clone)]
pub struct ZoneStarts {
    /// The zone's name.
    pub zone: String,
    /// How many devices.
    pub devices: u64,
    /// The starts.
    pub starts: Vec<Start>,
}

impl App {
    /// What a task that is not there yet would do. Refused for the reasons for which its creation
    /// would be.
    pub async fn task_foresee(
        &self,
        who: &Administrator,
        request: &TaskRequest,
    ) -> Result<Forecast, AppError> {
        let (task, agreed) = self.task_check(who, request).await?;
        let translations = Translations::of_draft(&task, &agreed);
        // Nothing may be for the selection yet, and then nobody is known to be in it.
        let seen = self.members_of(task.scope.selection()).await?;
        let (scope, devices) = {
            let mut connection = self.0.storage.read().await?;
            let scope = devices_of(&mut connection, &task.scope).await? | seen.devices();
            let devices = devices(&mut connection, &scope).await?;
            (scope, devices)
        };
        let schedule = task.schedule.as_ref();
        let mut forecast = self.foresee(translations, &devices, schedule).await?;
        forecast.findings = agreed.findings;
        let asked = Asked {
            id: None,
            application: &task.application,
            task_type: &task.task_type,
            exclusive: agreed.task_type.is(Mark::Exclusive),
            scope: &scope,
        };
        self.foresee_load(&asked, &mut forecast).await?;
        Ok(forecast)
    }

    /// What a task will do.
    pub async fn task_forecast(
        &self,
        who: &Administrator,
        id: TaskId,
    ) -> Result<Forecast, AppError> {
        let task = self.task_get(who, id).await?.task;
        let (translations, scope, devices) = {
            let mut connection = self.0.storage.read().await?;
            let number = task.revision.number;
            let translations = Translations::of_revision(&mut connection, id, number).await?;
            let scope = devices_of(&mut connection, &task.scope).await?;
            let devices = devices(&mut connection, &scope).await?;
            (translations, scope, devices)
        };
        let schedule = task.revision.schedule.as_ref();
        let mut forecast = self.foresee(translations, &devices, schedule).await?;
        forecast.findings.clone_from(&task.revision.findings);
        let asked = Asked {
            id: Some(id),
            application: &task.application,
            task_type: &task.task_type,
            exclusive: task.revision.exclusive,
            scope: &scope,
        };
        self.foresee_load(&asked, &mut forecast).await?;
        Ok(forecast)
    }

    async fn foresee(
        &self,
        mut translations: Translations,
        devices: &[Device],
        schedule: Option<&Schedule>,
    ) -> Result<Forecast, AppError> {
        let placements = translations.place(self, devices).await?;
        let hindered = hindered(devices, placements);
        let hindered_devices: u64 = hindered.iter().map(|one| one.devices).sum();
        let connected = self.0.links.devices();
        let online = devices.iter().filter(|one| connected.contains(one.id.0));
        let all = devices.len() as u64;
        Ok(Forecast {
            devices: all,
            online: online.count() as u64,
            able: all - hindered_devices,
            hindered,
            starts: match schedule {
                Some(schedule) => self.starts(devices, schedule).await?,
                None => Vec::new(),
            },
            ..Forecast::default()
        })
    }

    async fn starts(
        &self,
        devices: &[Device],
        schedule: &Schedule,
    ) -> Result<Vec<ZoneStarts>, AppError> {
        let mut connection = self.0.storage.read().await?;
        let windows = WindowsOfSets::read(&mut connection).await?;
        drop(connection);
        let now = muster_clock::now();
        let mut of: BTreeMap<(String, String), (Vec<Window>, u64)> = BTreeMap::new();
        for device in devices {
            let zone = device.facts.more.get(Facts::ZONE).cloned();
            let own = windows.of(device);
            let alike = (zone.unwrap_or_default(), serde_json::json!(own).to_string());
            of.entry(alike).or_insert((own, 0)).1 += 1;
        }
        if of.is_empty() {
            // Nobody is there yet; its times are told all the same.
            of.insert(Default::default(), (windows.of_all(), 0));
        }
        let mut found: Vec<ZoneStarts> = Vec::new();
        for ((name, _), (windows, count)) in of {
            let zone = Zone::named(&name).unwrap_or(TimeZone::UTC);
            let unknown = |error: muster_domain::schedule::zone::UnknownZone| AppError::Invalid {
                code: "schedule-zone",
                text: error.to_string(),
            };
            let windows = Windows::new(&windows, &zone).map_err(unknown)?;
            let starts = starts(schedule, &zone, &windows, now, MOST_STARTS).map_err(unknown)?;
            let zone = if schedule.zone == Zone::Device {
                zone.iana_name().unwrap_or("UTC").to_owned()
            } else {
                schedule.zone.to_string()
            };
            match found
                .iter_mut()
                .find(|one| one.zone == zone && one.starts == starts)
            {
                Some(one) => one.devices += count,
                None => found.push(ZoneStarts {
                    zone,
                    devices: count,
                    starts,
                }),
            }
        }
        found.sort_by_key(|one| std::cmp::Reverse(one.devices));
        found.retain(|one| !one.starts.is_empty());
        Ok(found)
    }
}

async fn devices(
    connection: &mut muster_storage::Connection,
    scope: &roaring::RoaringBitmap,
) -> Result<Vec<Device>, AppError> {
    let ids: Vec<DeviceId> = scope.iter().map(DeviceId).collect();
    Ok(device_list_of(connection, &ids).await?)
}

/// The devices on which it cannot be done, by reason, most first.
fn hindered(devices: &[Device], placements: Vec<(DeviceId, Placement)>) -> Vec<Hindered> {
    let mut found: Vec<Hindered> = Vec::new();
    for (device, (_, placement)) in devices.iter().zip(placements) {
        let (cause, for_good) = match placement {
            Placement::Order(_) => continue,
            Placement::Hold(cause) => (cause, false),
            Placement::NotSupported(reason) => (Cause::NotSupported { reason }, true),
        };
        let at = found.iter().position(|one| one.cause == cause);
        let at = at.unwrap_or_else(|| {
            found.push(Hindered {
                cause,
                for_good,
                devices: 0,
                named: Vec::new(),
            });
            found.len() - 1
        });
        if let Some(one) = found.get_mut(at) {
            one.devices += 1;
            one.named.push(device.name.clone());
        }
    }
    for one in &mut found {
        one.named.sort();
        one.named.truncate(MOST_NAMED);
    }
    found.sort_by_key(|one| std::cmp::Reverse(one.devices));
    found
}
