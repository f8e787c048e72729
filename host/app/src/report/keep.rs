//! News become rows: the one transaction of a group.

use super::Kept;
use super::interpret::{Meaning, Meanings};
use crate::AppError;
use crate::dispatch::run_settle;
use jiff::Timestamp;
use muster_agent_protocol::message::{End, News, NumberedNews};
use muster_domain::command::Command;
use muster_domain::delivery::{Cause, Delivery, DeliveryState, Wanted};
use muster_domain::event::{Actor, NewEvent, Severity, Subject};
use muster_domain::outcome::{Outcome, OutcomeStatus};
use muster_domain::report::Report;
use muster_domain::run::{Run, RunState};
use muster_domain::text::plain;
use muster_domain::{ApplicationId, DeviceId, RunId};
use muster_storage::Connection;
use muster_storage::command::command_body;
use muster_storage::delivery::{delivery_get, delivery_update, report_insert, report_settle};
use muster_storage::device::{device_acknowledged, device_acknowledged_set, device_names};
use muster_storage::event::event_insert;
use muster_storage::run::{run_get, run_state_set};
use muster_storage::task::task_head;
use std::collections::BTreeMap;

/// Characters of a text from a device that are kept beside its report.
const MOST_TEXT: usize = 1000;

/// What a group needs to know again and again.
struct Group<'c> {
    connection: &'c mut Connection,
    now: Timestamp,
    meanings: Meanings,
    runs: BTreeMap<RunId, Option<(Run, ApplicationId)>>,
    names: BTreeMap<DeviceId, String>,
    kept: Kept,
}

/// Keeps a group of news. Each device's are in the order of their numbers.
pub(super) async fn keep(
    connection: &mut Connection,
    news: Vec<(DeviceId, Vec<NumberedNews>)>,
    meanings: Meanings,
) -> Result<Kept, AppError> {
    let devices: Vec<DeviceId> = news.iter().map(|(device, _)| *device).collect();
    let names = device_names(connection, &devices)
        .await?
        .into_iter()
        .collect();
    let mut group = Group {
        connection,
        now: muster_clock::now(),
        meanings,
        runs: BTreeMap::new(),
        names,
        kept: Kept::default(),
    };
    for (device, news) in news {
        group.device(device, news).await?;
    }
    let Group {
        connection,
        now,
        mut kept,
        ..
    } = group;
    for run in &kept.runs {
        if run_settle(connection, *run, now).await? {
            kept.finished.insert(*run);
        }
    }
    muster_crash_point::reach("report.before-commit");
    Ok(kept)
}

/// A report that waited for a plug-in.
pub(super) struct Later {
    pub(super) run: RunId,
    pub(super) device: DeviceId,
    pub(super) end: End,
    pub(super) report: Report,
}

/// Keeps what reports mean that waited for a plug-in.
pub(super) async fn keep_later(
    connection: &mut Connection,
    all: Vec<Later>,
    meanings: Meanings,
) -> Result<Kept, AppError> {
    let devices: Vec<DeviceId> = all.iter().map(|later| later.device).collect();
    let names = device_names(connection, &devices).await?;
    let mut group = Group {
        connection,
        now: muster_clock::now(),
        meanings,
        runs: BTreeMap::new(),
        names: names.into_iter().collect(),
        kept: Kept::default(),
    };
    for later in all {
        group.later(later).await?;
    }
    muster_crash_point::reach("report.later-before-commit");
    Ok(group.kept)
}

impl Group<'_> {
    async fn device(&mut self, device: DeviceId, news: Vec<NumberedNews>) -> Result<(), AppError> {
        let before = device_acknowledged(self.connection, device).await?;
        let mut up_to = before;
        for numbered in news {
            if numbered.sequence > up_to {
                up_to = numbered.sequence;
                self.one(device, numbered).await?;
            }
        }
        if up_to > before {
            device_acknowledged_set(self.connection, device, up_to).await?;
        }
        Ok(())
    }

    async fn one(&mut self, device: DeviceId, numbered: NumberedNews) -> Result<(), AppError> {
        let NumberedNews { at, news, .. } = numbered;
        match news {
            News::Waiting { run, cause } => {
                let cause = Some(cause.bounded());
                self.moved(
                    device,
                    run,
                    at,
                    DeliveryState::Waiting,
                    cause,
                    "delivery.waiting",
                )
                .await
            }
            // What they brought was kept before anything else was done with the news.
            News::Occurred { .. } | News::Asked { .. } => Ok(()),
            News::Scheduled { run, at: start } => {
                let (state, cause) = (
                    DeliveryState::Scheduled,
                    Some(Cause::StartsAt { at: start }),
                );
                self.moved(device, run, at, state, cause, "delivery.scheduled")
                    .await
            }
            News::Missed { run, cause } => self.missed(device, run, at, cause.bounded()).await,
            News::Started { run, .. } => {
                let state = DeliveryState::Running;
                self.moved(device, run, at, state, None, "delivery.started")
                    .await
            }
            News::Paused { run } => {
                let (state, cause) = (DeliveryState::Paused, Some(Cause::Administrator));
                self.moved(device, run, at, state, cause, "delivery.paused")
                    .await
            }
            News::Ended { run, end, report } => self.ended(device, run, at, end, &report).await,
            News::Happened {
                kind,
                severity,
                text,
                run,
            } => {
                let kind: String = plain(&kind).chars().take(64).collect();
                let text: String = text.chars().take(MOST_TEXT).collect();
                let kind = format!("agent.{kind}");
                let mut event = self.event(&kind, severity, device, run, at, text).await?;
                event.subject.run = run;
                self.write(event).await
            }
        }
    }

    /// Moves a delivery to a state that is not final.
    async fn moved(
        &mut self,
        device: DeviceId,
        run: RunId,
        at: Timestamp,
        state: DeliveryState,
        cause: Option<Cause>,
        kind: &str,
    ) -> Result<(), AppError> {
        let begins = state == DeliveryState::Running;
        let Some(mut delivery) = self.open_delivery(device, run, at, begins).await? else {
            return Ok(());
        };
        let was = delivery.state;
        delivery.state = state;
        delivery.cause = cause;
        if was.is_final() {
            delivery.summary = None;
        }
        self.update(&delivery, was).await?;
        self.reopen(run).await?;
        let why = delivery
            .cause
            .as_ref()
            .map(|cause| format!(": {cause}"))
            .unwrap_or_default();
        let text = format!("Run {run} is {state} on {}{why}.", self.name(device));
        let event = self
            .event(kind, Severity::Info, device, Some(run), at, text)
            .await?;
        self.write(event.with(serde_json::json!({ "state": state, "cause": delivery.cause })))
            .await
    }

    /// A run that nobody waited for any longer is under way again when a device is at it.
    async fn reopen(&mut self, run: RunId) -> Result<(), AppError> {
        let known = self.run(Some(run)).await?;
        if known.is_some_and(|(known, _)| known.state == RunState::Finished) {
            run_state_set(self.connection, run, RunState::Running, None).await?;
            self.runs.remove(&run);
        }
        Ok(())
    }

    /// A delivery does not begin any more.
    async fn missed(
        &mut self,
        device: DeviceId,
        run: RunId,
        at: Timestamp,
        cause: Cause,
    ) -> Result<(), AppError> {
        let Some(mut delivery) = self.open_delivery(device, run, at, false).await? else {
            return Ok(());
        };
        let was = delivery.state;
        delivery.state = DeliveryState::Missed;
        delivery.summary = Some(cause.to_string());
        delivery.cause = Some(cause);
        self.update(&delivery, was).await?;
        self.finished_event(&delivery, at, "delivery.finished")
            .await
    }

    async fn ended(
        &mut self,
        device: DeviceId,
        run: RunId,
        at: Timestamp,
        end: End,
        report: &Report,
    ) -> Result<(), AppError> {
        let began = !report.steps.is_empty();
        let Some(mut delivery) = self.open_delivery(device, run, at, began).await? else {
            return Ok(());
        };
        let body = serde_json::json!({ "end": end, "report": report }).to_string();
        let meaning = self.meanings.get(&(run, device));
        let waits = matches!(meaning, Some(Meaning::Waits));
        report_insert(self.connection, run, device, self.now, &body, waits).await?;
        if waits && let Some((_, application)) = self.run(Some(run)).await? {
            let application = application.clone();
            self.kept.waiting.insert(application);
        }
        self.conclude(&mut delivery, at, &end, report).await?;
        self.kept.over.push((run, device));
        self.finished_event(&delivery, at, "delivery.finished")
            .await
    }

    /// Says of a report that waited for a plug-in what it means.
    async fn later(&mut self, later: Later) -> Result<(), AppError> {
        let Later {
            run,
            device,
            end,
            report,
        } = later;
        if let Some(Meaning::Waits) | None = self.meanings.get(&(run, device)) {
            return Ok(());
        }
        if !report_settle(self.connection, run, device).await? {
            return Ok(());
        }
        let Some(mut delivery) = delivery_get(self.connection, run, device).await? else {
            return Ok(());
        };
        let at = self.now;
        self.conclude(&mut delivery, at, &end, &report).await?;
        self.finished_event(&delivery, at, "delivery.interpreted")
            .await
    }

    /// Brings a delivery to where its report puts it.
    async fn conclude(
        &mut self,
        delivery: &mut Delivery,
        at: Timestamp,
        end: &End,
        report: &Report,
    ) -> Result<(), AppError> {
        let (run, device) = (delivery.run, delivery.device);
        let (outcome, severities) = self.outcome(delivery, device, at, report).await?;
        let was = delivery.state;
        (delivery.state, delivery.cause) = state_of(end, outcome.status);
        if delivery.wanted == Wanted::Stop && delivery.cause.is_none() {
            delivery.cause = Some(Cause::DespiteStop);
        }
        let summary = match end {
            End::Refused { reason } => reason.clone(),
            _ if report.steps.is_empty() => delivery
                .cause
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            _ => outcome.summary.clone(),
        };
        delivery.summary = Some(plain(&summary).chars().take(MOST_TEXT).collect());
        delivery.needs_restart = outcome.needs_restart;
        self.update(delivery, was).await?;
        self.application_events(device, run, at, outcome, &severities)
            .await
    }

    /// What a report means, by the plug-in or else by the exit statuses.
    async fn outcome(
        &mut self,
        delivery: &Delivery,
        device: DeviceId,
        at: Timestamp,
        report: &Report,
    ) -> Result<(Outcome, Vec<Severity>), AppError> {
        let fault = match self.meanings.remove(&(delivery.run, device)) {
            Some(Meaning::Outcome(outcome, severities)) => return Ok((outcome, severities)),
            Some(Meaning::ByStatus { fault }) => fault,
            Some(Meaning::Waits) | None => None,
        };
        if let Some(fault) = fault {
            let text = format!(
                "The report of run {} on {} could not be interpreted, so its exit statuses decide: \
                 {fault}.",
                delivery.run,
                self.name(device)
            );
            let run = Some(delivery.run);
            let severity = Severity::Warning;
            let event = self
                .event("report.not-interpreted", severity, device, run, at, text)
                .await?;
            self.write(event).await?;
        }
        let body = match delivery.command {
            Some(hash) => command_body(self.connection, hash).await?,
            None => None,
        };
        let command = body.and_then(|body| serde_json::from_str::<Command>(&body).ok());
        let outcome = command.map_or_else(
            || Outcome::plain(OutcomeStatus::Failed, "The command is not known any more."),
            |command| report.outcome_by_status(&command),
        );
        Ok((outcome, Vec::new()))
    }

    async fn application_events(
        &mut self,
        device: DeviceId,
        run: RunId,
        at: Timestamp,
        outcome: Outcome,
        severities: &[Severity],
    ) -> Result<(), AppError> {
        for (event, severity) in outcome.events.into_iter().zip(severities) {
            let kind = format!("application.{}", event.event_type);
            let written = self
                .event(&kind, *severity, device, Some(run), at, event.text)
                .await?;
            self.write(written.with(event.fields)).await?;
        }
        Ok(())
    }

    async fn finished_event(
        &mut self,
        delivery: &Delivery,
        at: Timestamp,
        kind: &str,
    ) -> Result<(), AppError> {
        let Delivery {
            run, device, state, ..
        } = *delivery;
        let severity = match state {
            DeliveryState::Failed
            | DeliveryState::TimedOut
            | DeliveryState::Missed
            | DeliveryState::Warning => Severity::Warning,
            _ => Severity::Info,
        };
        let summary = delivery.summary.clone().unwrap_or_default();
        let text = format!("Run {run} is {state} on {}: {summary}", self.name(device));
        let event = self
            .event(kind, severity, device, Some(run), at, text)
            .await?;
        let fields = serde_json::json!({
            "state": state,
            "cause": delivery.cause,
            "summary": summary,
            "needs-restart": delivery.needs_restart,
        });
        self.write(event.with(fields)).await
    }

    /// The delivery that news are about, if it is still open. News of one that nobody sent are told
    /// and dropped; news of one that is final are late repetitions. One that the server gave up as
    /// missed is open to the word that it began after all.
    async fn open_delivery(
        &mut self,
        device: DeviceId,
        run: RunId,
        at: Timestamp,
        began: bool,
    ) -> Result<Option<Delivery>, AppError> {
        match delivery_get(self.connection, run, device).await? {
            Some(delivery) if began && delivery.state == DeliveryState::Missed => {
                Ok(Some(delivery))
            }
            Some(delivery) if delivery.state.is_final() => Ok(None),
            Some(delivery) => Ok(Some(delivery)),
            None => {
                let text = format!(
                    "{} told of run {run}, which it was not sent.",
                    self.name(device)
                );
                let severity = Severity::Warning;
                let event = self
                    .event("report.unexpected", severity, device, None, at, text)
                    .await?;
                self.write(event).await?;
                Ok(None)
            }
        }
    }

    async fn update(&mut self, delivery: &Delivery, was: DeliveryState) -> Result<(), AppError> {
        let changed = Delivery {
            changed_at: self.now,
            ..delivery.clone()
        };
        delivery_update(self.connection, &changed, was).await?;
        self.kept.runs.insert(delivery.run);
        Ok(())
    }

    async fn event(
        &mut self,
        kind: &str,
        severity: Severity,
        device: DeviceId,
        run: Option<RunId>,
        at: Timestamp,
        text: String,
    ) -> Result<NewEvent, AppError> {
        let mut subject = Subject {
            device: Some(device),
            ..Subject::default()
        };
        if let Some((known, application)) = self.run(run).await? {
            subject.application = Some(application.clone());
            subject.task = Some(known.task);
            subject.run = Some(known.id);
        }
        let mut event = NewEvent::new(kind, severity, Actor::Device(device), text).about(subject);
        event.happened_at = Some(at);
        Ok(event)
    }

    async fn run(&mut self, id: Option<RunId>) -> Result<Option<&(Run, ApplicationId)>, AppError> {
        let Some(id) = id else { return Ok(None) };
        if !self.runs.contains_key(&id) {
            let run = run_get(self.connection, id).await?;
            let head = match &run {
                Some(run) => task_head(self.connection, run.task).await?,
                None => None,
            };
            self.runs
                .insert(id, run.zip(head.map(|head| head.application)));
        }
        Ok(self.runs.get(&id).and_then(Option::as_ref))
    }

    async fn write(&mut self, event: NewEvent) -> Result<(), AppError> {
        Ok(event_insert(self.connection, self.now, &[event]).await?)
    }

    fn name(&self, device: DeviceId) -> String {
        self.names
            .get(&device)
            .cloned()
            .unwrap_or_else(|| format!("device {device}"))
    }
}

fn state_of(end: &End, status: OutcomeStatus) -> (DeliveryState, Option<Cause>) {
    match end {
        End::Completed => match status {
            OutcomeStatus::Succeeded => (DeliveryState::Succeeded, None),
            OutcomeStatus::Warning => (DeliveryState::Warning, None),
            OutcomeStatus::Failed => (DeliveryState::Failed, None),
        },
        End::TimedOut { seconds } => (
            DeliveryState::TimedOut,
            Some(Cause::TimeLimit { seconds: *seconds }),
        ),
        End::Stopped { cause } => (DeliveryState::Cancelled, Some(cause.clone().bounded())),
        End::Refused { reason } => {
            let reason = reason.clone();
            (
                DeliveryState::Failed,
                Some(Cause::Refused { reason }.bounded()),
            )
        }
    }
}
