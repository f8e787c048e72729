//! Outcome: what happens to a delivery becomes rows, each change with its news and its entry in
//! the log in one transaction.

use crate::agent::Shared;
use crate::store::delivery::{self, Delivery};
use crate::store::log::NewEntry;
use crate::store::{StoreError, news};
use muster_agent_protocol::message::{End, News};
use muster_agent_protocol::order::Order;
use muster_domain::event::Severity;
use muster_domain::report::{Report, StepEnd};

/// Begins an attempt, and gives back its number.
pub(super) async fn begin(shared: &Shared, delivery: &Delivery) -> Result<u32, StoreError> {
    let order = &delivery.order;
    let store = &shared.store;
    let mut transaction = store.begin().await?;
    let attempt = delivery::set_begun(&mut transaction, order.run).await?;
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
    Ok(attempt)
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
