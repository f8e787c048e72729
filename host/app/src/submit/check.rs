//! What is wrong with a request for a task, before its plug-in is asked: names, kinds, limits, schedule and
//! rollout.

use crate::place::Tree;
use crate::{App, AppError};
use jiff::tz::TimeZone;
use muster_domain::application::{TaskKind, TaskType};
use muster_domain::finding::{Finding, Level};
use muster_domain::rollout::{Part, Rollout};
use muster_domain::schedule::{Schedule, Timetable, When};
use muster_domain::secret::scan_text;
use muster_domain::settings::Settings;
use muster_domain::task::is_task_name;
use muster_domain::{DeviceSet, SelectionId, TaskId};
use muster_storage::Connection;
use muster_storage::selection::selection_get;
use muster_storage::task::task_get;
use std::collections::BTreeSet;

/// The longest time limit: a week.
const MOST_TIME_LIMIT: u32 = 7 * 24 * 3600;

/// Devices in a list that is made by hand. More are better told by what they have in common.
pub const MOST_LISTED: usize = 1000;

impl App {
    /// Whether a schedule names what is there, and does not lead back to its own task.
    pub(super) async fn schedule_meets(
        &self,
        own: Option<TaskId>,
        schedule: Option<&Schedule>,
    ) -> Result<(), AppError> {
        let mut connection = self.0.storage.read().await?;
        let finding = match schedule.map(|schedule| &schedule.when) {
            Some(When::Joined(DeviceSet::Selection(selection))) => {
                let known = selection_get(&mut connection, *selection).await?.is_some();
                let text = format!("There is no selection {selection}.");
                let at = "/when/joined/selection";
                (!known).then(|| Finding::error(at, "schedule-selection", text))
            }
            Some(When::Joined(DeviceSet::Group(group))) => {
                let known = Tree::read(&mut connection).await?.get(*group).is_some();
                let text = format!("There is no group {group}.");
                (!known).then(|| Finding::error("/when/joined/group", "schedule-group", text))
            }
            Some(When::AfterTask { task, .. }) => after(&mut connection, own, *task).await?,
            _ => None,
        };
        match finding {
            None => Ok(()),
            Some(finding) => Err(AppError::FormInvalid {
                what: "schedule",
                findings: vec![finding],
            }),
        }
    }

    /// Whether a rollout names groups that are there.
    pub(super) async fn rollout_meets(&self, rollout: Option<&Rollout>) -> Result<(), AppError> {
        let Some(rollout) = rollout else {
            return Ok(());
        };
        let tree = Tree::read(&mut *self.0.storage.read().await?).await?;
        let mut findings = Vec::new();
        for (place, wave) in rollout.waves.iter().enumerate() {
            let Part::Groups { groups } = &wave.devices else {
                continue;
            };
            for (number, group) in groups.iter().enumerate() {
                if tree.get(*group).is_none() {
                    let at = format!("/waves/{place}/devices/groups/groups/{number}");
                    let text = format!("There is no group {group}.");
                    findings.push(Finding::error(at, "rollout-group", text));
                }
            }
        }
        if findings.is_empty() {
            return Ok(());
        }
        Err(AppError::FormInvalid {
            what: "rollout",
            findings,
        })
    }
}

pub(super) fn settings_of(settings: &Result<Settings, Finding>) -> Result<Settings, AppError> {
    settings
        .clone()
        .map_err(|finding| AppError::SettingsInvalid {
            findings: vec![finding],
        })
}

pub(crate) fn schedule_of(json: Option<&serde_json::Value>) -> Result<Option<Schedule>, AppError> {
    let Some(json) = json else { return Ok(None) };
    match Schedule::parse(json) {
        Ok((schedule, _)) => Ok(Some(schedule)),
        Err(findings) => Err(AppError::FormInvalid {
            what: "schedule",
            findings,
        }),
    }
}

pub(crate) fn rollout_of(
    json: Option<&serde_json::Value>,
    schedule: Option<&Schedule>,
) -> Result<Option<Rollout>, AppError> {
    let Some(json) = json else { return Ok(None) };
    match Rollout::parse(json) {
        Ok((rollout, _)) => kept_rollout(Some(rollout), schedule),
        Err(findings) => Err(AppError::FormInvalid {
            what: "rollout",
            findings,
        }),
    }
}

/// A rollout, unless devices would start the task by themselves and so wait for no wave.
pub(super) fn kept_rollout(
    rollout: Option<Rollout>,
    schedule: Option<&Schedule>,
) -> Result<Option<Rollout>, AppError> {
    let by_devices = schedule.is_some_and(|schedule| schedule.when.is_begun_by_devices());
    if rollout.is_none() || !by_devices {
        return Ok(rollout);
    }
    let text = "Devices start the task by themselves by such a schedule, and would wait for no wave. Take the \
                rollout away, or start the task by hand, after another task or on an event.";
    Err(AppError::FormInvalid {
        what: "rollout",
        findings: vec![Finding::error("", "rollout-schedule", text)],
    })
}

/// What is worth a word about a rollout that can be used, with its place below `/rollout`.
pub(crate) fn words_about_rollout(rollout: Option<&Rollout>) -> Vec<Finding> {
    let mut findings = rollout.map(Rollout::check).unwrap_or_default();
    for finding in &mut findings {
        finding.pointer.insert_str(0, "/rollout");
    }
    findings
}

/// What is worth a word about a schedule that can be used, with its place below `/schedule`.
pub(crate) fn words_about(schedule: Option<&Schedule>) -> Vec<Finding> {
    let Some(schedule) = schedule else {
        return Vec::new();
    };
    let mut findings = schedule.check();
    let over = Timetable::new(schedule, &TimeZone::UTC)
        .is_ok_and(|table| table.after(muster_clock::now()).next().is_none());
    if schedule.when.names_times() && over {
        let text = "All its times have passed: nothing starts the task by itself.";
        findings.push(Finding {
            level: Level::Warning,
            ..Finding::error("/when", "schedule-over", text)
        });
    }
    for finding in &mut findings {
        finding.pointer.insert_str(0, "/schedule");
    }
    findings
}

/// What is wrong with a start after another task: that is not there, or starts after this one itself.
async fn after(
    connection: &mut Connection,
    own: Option<TaskId>,
    first: TaskId,
) -> Result<Option<Finding>, AppError> {
    let place = "/when/after-task/task";
    let mut passed = BTreeSet::new();
    let mut next = Some(first);
    while let Some(id) = next {
        if own == Some(id) {
            let text = format!("Task {first} starts after this one: it would never end.");
            return Ok(Some(Finding::error(place, "schedule-circle", text)));
        }
        let task = task_get(connection, id).await?;
        if task.is_none() && id == first {
            let text = format!("There is no task {first}.");
            return Ok(Some(Finding::error(place, "schedule-task", text)));
        }
        let schedule = task.and_then(|task| task.revision.schedule);
        next = match schedule.map(|schedule| schedule.when) {
            Some(When::AfterTask { task, .. }) if passed.insert(task) => Some(task),
            _ => None,
        };
    }
    Ok(None)
}

pub(super) fn check_revision(expected: Option<u32>, current: u32) -> Result<(), AppError> {
    match expected {
        Some(expected) if expected != current => Err(AppError::Conflict {
            code: "task-changed-meanwhile",
            text: format!(
                "the change was made on revision {expected} and the task is at {current} now; look \
                 at it and change it again"
            ),
        }),
        _ => Ok(()),
    }
}

pub(crate) fn listed_too_many(count: usize) -> String {
    format!(
        "A list of devices has at most {MOST_LISTED}, and this one has {count}; name a group in its place, or tag \
         the devices and save a selection."
    )
}

pub(crate) fn check_kind(task_type: &TaskType, kind: TaskKind) -> Result<(), AppError> {
    if task_type.kinds.contains(&kind) {
        return Ok(());
    }
    let word = |kind| {
        serde_json::json!(kind)
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let kinds: Vec<String> = task_type.kinds.iter().map(word).collect();
    Err(AppError::Invalid {
        code: "kind-not-allowed",
        text: format!(
            "a task of type {} cannot be a {} task; it can be: {}",
            task_type.id,
            word(&kind),
            kinds.join(", ")
        ),
    })
}

pub(crate) fn check_time_limit(
    seconds: Option<u32>,
    task_type: &TaskType,
) -> Result<u32, AppError> {
    check_time_limit_range(seconds.unwrap_or(task_type.time_limit))
}

pub(crate) fn check_time_limit_range(seconds: u32) -> Result<u32, AppError> {
    if (1..=MOST_TIME_LIMIT).contains(&seconds) {
        return Ok(seconds);
    }
    Err(AppError::Invalid {
        code: "time-limit-invalid",
        text: format!("a time limit is 1 to {MOST_TIME_LIMIT} seconds, not {seconds}"),
    })
}

/// The selection that a schedule waits for devices to join.
pub(super) fn joined(schedule: Option<&Schedule>) -> Option<SelectionId> {
    match schedule.map(|schedule| &schedule.when) {
        Some(When::Joined(DeviceSet::Selection(selection))) => Some(*selection),
        _ => None,
    }
}

pub(crate) fn check_name(name: &str) -> Result<(), AppError> {
    if scan_text(name).is_some() {
        return Err(AppError::Invalid {
            code: "name-secret",
            text: "this name looks like a secret, and names are shown to everybody; choose another one"
                .into(),
        });
    }
    if is_task_name(name) {
        return Ok(());
    }
    Err(AppError::Invalid {
        code: "name-invalid",
        text: "a task's name is 1 to 100 characters, none of them a control character or one of \
               \" * < > ? \\ : |, and no white space at the ends"
            .into(),
    })
}
