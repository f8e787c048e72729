//! Outcome: what happens to a delivery becomes rows, each change with its news and its entry in
//! the log in one transaction.

use crate::agent::Shared;
use crate::store::delivery::{self, Delivery};
use crate::store::log::NewEntry;
use crate::store::{StoreError, news, occurrence};
use jiff::Timestamp;
use muster_agent_protocol::message::{End, News};
use muster_agent_protocol::order::Order;
use muster_domain::command::{Meaning, Step};
use muster_domain::delivery::{Cause, Wanted};
use muster_domain::event::Severity;
use muster_domain::report::{Report, StepEnd};
use muster_domain::schedule::Failure;

/// Begins an attempt, and gives back its number. None if the delivery was over meanwhile.
pub(super) async fn begin(shared: &Shared, delivery: &Delivery) -> Result<Option<u32>, StoreError> {
    let order = &delivery.order;
    let store = &shared.store;
    let mut transaction = store.begin().await?;
    let Some(attempt) = delivery::set_begun(&mut transaction, order.run).await? else {
        return Ok(None);
    };
    if delivery.occurrence.is_some() {
        occurrence::set_begun(&mut transaction, order.run, muster_clock::now()).await?;
    }
    news::add(
        &mut transaction,
        &News::Started {
            run: order.run,
            attempt,
        },
    )
    .await?;
    let text = match attempt {
        1 => format!("{} began.", name(order)),
        _ => format!("{} began again, attempt {attempt}.", name(order)),
    };
    store
        .log(
            &mut transaction,
            entry(
                order,
                "task.started",
                Severity::Info,
                text,
                "running",
                attempt,
            ),
        )
        .await?;
    transaction.commit().await?;
    store.hints.link.notify_one();
    store.hints.log.notify_one();
    Ok(Some(attempt))
}

/// Why an attempt failed, as far as that decides on another one. What a plug-in makes of a report is
/// not known here: exit statuses decide, as the command says what they mean.
pub(super) fn failure(steps: &[Step], end: &End, report: &Report) -> Option<Failure> {
    let last = report
        .steps
        .last()
        .zip(steps.get(report.steps.len().wrapping_sub(1)));
    match (end, last) {
        (End::Completed, Some((report, step))) => match &report.end {
            StepEnd::Exited(status) if step.meaning(*status) != Meaning::Failed => None,
            StepEnd::Exited(_) | StepEnd::Signalled(_) | StepEnd::NotStarted(_) => {
                Some(Failure::Failed)
            }
            StepEnd::TimedOut => Some(Failure::TimedOut),
            StepEnd::Stopped => None,
        },
        (End::TimedOut { .. }, _) => Some(Failure::TimedOut),
        (
            End::Stopped {
                cause: Cause::ApplicationStopped,
            },
            _,
        ) => Some(Failure::Interrupted),
        (End::Completed, None) | (End::Stopped { .. }, _) => None,
        (End::Refused { .. }, _) => Some(Failure::Refused),
    }
}

/// Has another attempt made after a failure, if the schedule says so. False if it does not: then the
/// failure is the end.
pub(super) async fn retry(
    shared: &Shared,
    delivery: &Delivery,
    failure: Failure,
) -> Result<bool, StoreError> {
    let run = delivery.order.run;
    let store = &shared.store;
    let now = muster_clock::now();
    let mut transaction = store.begin().await?;
    // What was wanted when it began may be long ago.
    let Some(found) = delivery::find(&mut transaction, run).await? else {
        return Ok(false);
    };
    let Some(at) = retry_at(&found, failure, now) else {
        return Ok(false);
    };
    let attempt = found.attempt + 1;
    let cause = Cause::RetryAt { at, attempt };
    if !delivery::set_waiting(&mut transaction, run, &cause).await? {
        return Ok(false);
    }
    occurrence::set_retry(&mut transaction, run, at, now).await?;
    let text = format!("{} failed; {cause}.", name(&found.order));
    news::add(&mut transaction, &News::Waiting { run, cause }).await?;
    let (kind, severity, order) = ("task.failed", Severity::Warning, &found.order);
    let entry = entry(order, kind, severity, text, "waiting", found.attempt);
    store.log(&mut transaction, entry).await?;
    transaction.commit().await?;
    muster_crash_point::reach("agent.retry-committed");
    store.hints.link.notify_one();
    store.hints.log.notify_one();
    Ok(true)
}

fn retry_at(delivery: &Delivery, failure: Failure, now: Timestamp) -> Option<Timestamp> {
    let own = delivery.occurrence.as_ref()?;
    if delivery.order.wanted == Wanted::Stop || own.stop.is_some() {
        return None;
    }
    let at = own
        .rules
        .retry
        .as_ref()?
        .next(own.failures + 1, failure, now)?;
    // One that would be stopped before it begins is none.
    let stop_at = own.began_at.and_then(|began| own.rules.stop_at(began));
    stop_at
        .is_none_or(|(stop_at, _)| at < stop_at)
        .then_some(at)
}

/// Ends a delivery. One that is over already stays as it is, and nothing is told twice.
pub(super) async fn commit(
    shared: &Shared,
    delivery: &Delivery,
    end: &End,
    report: &Report,
) -> Result<(), StoreError> {
    let order = &delivery.order;
    let store = &shared.store;
    let mut transaction = store.begin().await?;
    if !delivery::set_ended(&mut transaction, order.run, end).await? {
        return Ok(());
    }
    let told = News::Ended {
        run: order.run,
        end: end.clone(),
        report: report.clone(),
    };
    news::add(&mut transaction, &told).await?;
    let (state, severity, what) = words(end, report);
    let text = format!("{} {what}.", name(order));
    store
        .log(
            &mut transaction,
            entry(order, "task.ended", severity, text, state, delivery.attempt),
        )
        .await?;
    transaction.commit().await?;
    muster_crash_point::reach("agent.result-committed");
    store.hints.link.notify_one();
    store.hints.log.notify_one();
    Ok(())
}

fn name(order: &Order) -> String {
    format!(
        "Task \"{}\" ({} for {}, run {})",
        order.task_name, order.task_type, order.application, order.run
    )
}

fn entry(
    order: &Order,
    kind: &'static str,
    severity: Severity,
    text: String,
    state: &str,
    attempt: u32,
) -> NewEntry {
    let fields = [
        ("task", order.task.to_string()),
        ("task-name", order.task_name.clone()),
        ("task-type", order.task_type.to_string()),
        ("application", order.application.to_string()),
        ("state", state.to_owned()),
        ("attempt", attempt.to_string()),
    ];
    let fields = fields
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    NewEntry {
        kind,
        severity,
        text,
        run: Some(order.run),
        fields,
    }
}

/// A word, a weight and a sentence for an end. What exit statuses mean is the server's to say: it
/// has the plug-in.
fn words(end: &End, report: &Report) -> (&'static str, Severity, String) {
    match end {
        End::Completed => match report.steps.last().map(|step| (&step.program, &step.end)) {
            Some((_, StepEnd::Exited(0))) | None => ("completed", Severity::Info, "ended".into()),
            Some((program, StepEnd::Exited(status))) => (
                "completed",
                Severity::Info,
                format!("ended; {program} exited with status {status}"),
            ),
            Some((program, StepEnd::Signalled(signal))) => (
                "completed",
                Severity::Warning,
                format!("ended; {program} was ended by signal {signal}"),
            ),
            Some((program, StepEnd::NotStarted(why))) => (
                "completed",
                Severity::Warning,
                format!("ended; {program} was not started: {why}"),
            ),
            Some((program, StepEnd::TimedOut | StepEnd::Stopped)) => (
                "completed",
                Severity::Warning,
                format!("ended in the middle of {program}"),
            ),
        },
        End::TimedOut { seconds } => (
            "timed-out",
            Severity::Warning,
            format!("was ended at its time limit of {seconds} s"),
        ),
        End::Stopped { cause } => (
            "stopped",
            Severity::Warning,
            format!("was stopped: {cause}"),
        ),
        End::Refused { reason } => (
            "refused",
            Severity::Warning,
            format!("was refused: {reason}"),
        ),
    }
}
