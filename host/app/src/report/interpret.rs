//! What reports mean, by the plug-ins of their applications.

use super::Taken;
use crate::schema::Written;
use crate::{App, AppError};
use muster_agent_protocol::message::News;
use muster_domain::application::TaskType;
use muster_domain::chain;
use muster_domain::event::Severity;
use muster_domain::outcome::Outcome;
use muster_domain::report::Report;
use muster_domain::settings::Settings;
use muster_domain::{DeviceId, Digest, RunId, TaskId, TaskTypeId};
use muster_plugin_host::{CallFailure, Plugin};
use muster_storage::delivery::delivery_get;
use muster_storage::run::run_get;
use muster_storage::task::{TaskHead, task_head, task_revision_get};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// Reports in one call of a plug-in.
const MOST_REPORTS: usize = 100;

/// Bytes of reports in one call of a plug-in, unless a single one is longer.
const MOST_BYTES: usize = 2 * 1024 * 1024;

/// Calls for one task's reports that may take all their time, until the plug-in is not asked any
/// more about this group: the application's other reports wait meanwhile.
const MOST_TIMED_OUT: u32 = 8;

/// What each report of a group means, as far as a plug-in said so.
pub(super) type Meanings = HashMap<(RunId, DeviceId), Meaning>;

/// What a report means, or why nobody could say.
pub(super) enum Meaning {
    /// The plug-in's word. Each event comes with how much it weighs.
    Outcome(Outcome, Vec<Severity>),
    /// There is no plug-in now, or the server is too busy to ask it. The exit statuses decide until
    /// there is one again.
    Waits,
    /// The plug-in does not interpret, or failed: the exit statuses decide.
    ByStatus {
        /// Why, if it is a fault.
        fault: Option<String>,
    },
}

/// A report of a delivery.
pub(super) type Reported<'g> = (RunId, DeviceId, &'g Report);

/// A revision of a task, and the revision of the plug-in that translated it.
type Key = (TaskId, u32, Option<Digest>);

/// Reports of one task revision, translated by one revision of the plug-in.
struct Batch<'g> {
    head: TaskHead,
    settings: Settings,
    schema_version: u32,
    reports: Vec<(RunId, DeviceId, &'g Report)>,
}

/// The reports in a group that a plug-in may have a word for.
pub(super) fn reported(group: &[Taken]) -> Vec<Reported<'_>> {
    let news = group
        .iter()
        .flat_map(|taken| taken.news.iter().map(|numbered| (taken.device, numbered)));
    news.filter_map(|(device, numbered)| match &numbered.news {
        News::Ended { run, report, .. } if !report.steps.is_empty() => Some((*run, device, report)),
        _ => None,
    })
    .collect()
}

/// Asks the plug-ins about every report, with the reports of one task in one call. Each is asked of
/// the revision that translated it.
pub(super) async fn interpret(app: &App, reported: &[Reported<'_>]) -> Result<Meanings, AppError> {
    let mut meanings = Meanings::new();
    // The reports of others do not wait until the server has time for these.
    let mut busy = BTreeSet::new();
    for ((task, revision, translated_by), batch) in batches(app, reported).await? {
        let application = &batch.head.application;
        let plugin = app.interpreter(application, translated_by).await?;
        let all_are = |fault: Option<String>| {
            let each = move |(run, device, _): &Reported<'_>| {
                let fault = fault.clone();
                ((*run, *device), Meaning::ByStatus { fault })
            };
            batch.reports.iter().map(each)
        };
        let Some(plugin) = plugin.filter(|plugin| !busy.contains(&plugin.digest())) else {
            meanings.extend(wait(&batch.reports));
            continue;
        };
        let task_type = plugin.description().task_type(&batch.head.task_type);
        let Some(task_type) = task_type.filter(|_| plugin.has_interpret()) else {
            meanings.extend(all_are(None));
            continue;
        };
        let written = Written {
            task,
            revision,
            schema_version: batch.schema_version,
            settings: &batch.settings,
        };
        match app.settings_for(&plugin, task_type, written).await {
            Ok(Ok(own)) => {
                let mut asker = Asker {
                    plugin: &plugin,
                    task_type,
                    settings: &own.settings,
                    timed_out: 0,
                    busy: false,
                };
                for part in parts(&batch.reports) {
                    asker.ask(part, &mut meanings).await;
                }
                if asker.busy {
                    busy.insert(plugin.digest());
                }
            }
            Ok(Err(findings)) => {
                let texts: Vec<String> = findings.into_iter().map(|finding| finding.text).collect();
                meanings.extend(all_are(Some(texts.join(" "))));
            }
            Err(error) if error.is_passing() => meanings.extend(wait(&batch.reports)),
            Err(error) => return Err(error),
        }
    }
    Ok(meanings)
}

async fn batches<'g>(
    app: &App,
    reported: &[Reported<'g>],
) -> Result<BTreeMap<Key, Batch<'g>>, AppError> {
    let mut connection = app.0.storage.read().await?;
    let mut batches: BTreeMap<Key, Batch<'g>> = BTreeMap::new();
    let mut tasks: BTreeMap<RunId, Option<(TaskId, u32)>> = BTreeMap::new();
    for (run, device, report) in reported {
        let task = if let Some(task) = tasks.get(run) {
            *task
        } else {
            let found = run_get(&mut connection, *run).await?;
            let task = found.map(|run| (run.task, run.revision));
            tasks.insert(*run, task);
            task
        };
        let Some((task, revision)) = task else {
            continue;
        };
        let delivery = delivery_get(&mut connection, *run, *device).await?;
        let key = (
            task,
            revision,
            delivery.and_then(|delivery| delivery.plugin),
        );
        let batch = match batches.entry(key) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(free) => {
                let head = task_head(&mut connection, task).await?;
                let revision = task_revision_get(&mut connection, task, revision).await?;
                let Some((head, revision)) = head.zip(revision) else {
                    continue;
                };
                free.insert(Batch {
                    head,
                    settings: revision.settings,
                    schema_version: revision.schema_version,
                    reports: Vec::new(),
                })
            }
        };
        batch.reports.push((*run, *device, *report));
    }
    Ok(batches)
}

/// Cuts reports into calls that are not too large.
fn parts<'r, 'g>(
    reports: &'r [(RunId, DeviceId, &'g Report)],
) -> Vec<&'r [(RunId, DeviceId, &'g Report)]> {
    let mut parts = Vec::new();
    let mut rest = reports;
    while !rest.is_empty() {
        let mut bytes = 0;
        let fits = rest
            .iter()
            .take(MOST_REPORTS)
            .take_while(|(_, _, report)| {
                bytes += size(report);
                bytes <= MOST_BYTES
            })
            .count();
        let (part, more) = rest.split_at(fits.max(1));
        parts.push(part);
        rest = more;
    }
    parts
}

fn size(report: &Report) -> usize {
    let of_lines = |lines: &[String]| lines.iter().map(|line| line.len() + 16).sum::<usize>();
    report
        .steps
        .iter()
        .map(|step| step.head.len() + step.tail.len() + of_lines(&step.lines) + 100)
        .sum()
}

/// Asks one plug-in about the reports of one task.
struct Asker<'a> {
    plugin: &'a Arc<Plugin>,
    task_type: &'a TaskType,
    settings: &'a Settings,
    timed_out: u32,
    /// The server had too much to do for a call.
    busy: bool,
}

impl Asker<'_> {
    async fn ask(&mut self, part: &[(RunId, DeviceId, &Report)], meanings: &mut Meanings) {
        if self.busy {
            meanings.extend(wait(part));
            return;
        }
        if self.timed_out >= MOST_TIMED_OUT {
            let fault = format!(
                "the plug-in was not asked, as it took all its time {} times before",
                self.timed_out
            );
            meanings.extend(by_status(part, &fault));
            return;
        }
        let reports: Vec<Report> = part
            .iter()
            .map(|(_, _, report)| (*report).clone())
            .collect();
        let task_type = &self.task_type.id;
        let answer = self.plugin.interpret(task_type, self.settings, &reports);
        match answer.await {
            Ok(outcomes) => {
                for ((run, device, _), outcome) in part.iter().zip(outcomes) {
                    let severities = severities(self.task_type, &outcome);
                    meanings.insert((*run, *device), Meaning::Outcome(outcome, severities));
                }
            }
            Err(error) if error.failure.is_passing() => {
                self.busy = error.failure.is_busy();
                tracing::warn!(why = %chain(&error), "reports wait to be interpreted");
                meanings.extend(wait(part));
            }
            Err(error) => {
                let timed_out = matches!(error.failure, CallFailure::TimedOut { .. });
                self.timed_out += u32::from(timed_out);
                let fault = chain(&error);
                if part.len() > 1 {
                    // One report may have been too much for it: each gets a call of its own.
                    tracing::warn!(error = %fault, "a batch of reports is interpreted one by one");
                    for one in part.chunks(1) {
                        Box::pin(self.ask(one, meanings)).await;
                    }
                } else {
                    tracing::error!(%fault, "a report could not be interpreted");
                    meanings.extend(by_status(part, &fault));
                }
            }
        }
    }
}

fn wait<'r>(
    part: &'r [(RunId, DeviceId, &Report)],
) -> impl Iterator<Item = ((RunId, DeviceId), Meaning)> + 'r {
    let each = part.iter();
    each.map(|(run, device, _)| ((*run, *device), Meaning::Waits))
}

fn by_status<'r>(
    part: &'r [(RunId, DeviceId, &Report)],
    fault: &'r str,
) -> impl Iterator<Item = ((RunId, DeviceId), Meaning)> + 'r {
    part.iter().map(move |(run, device, _)| {
        let fault = Some(fault.to_owned());
        ((*run, *device), Meaning::ByStatus { fault })
    })
}

fn severities(task_type: &TaskType, outcome: &Outcome) -> Vec<Severity> {
    let of = |id: &TaskTypeId| {
        let found = task_type.event_types.iter().find(|event| event.id == *id);
        found.map_or(Severity::Info, |event| event.severity)
    };
    outcome
        .events
        .iter()
        .map(|event| of(&event.event_type))
        .collect()
}
