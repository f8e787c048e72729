//! Start and stop by the device's user: the command is here, so that neither needs the server.

use super::act::{Acting, UserError};
use crate::schedule::due::order;
use crate::store::assignment::Kept;
use crate::store::delivery::{self, Delivery};
use crate::store::occurrence::{self, NewOccurrence, Rules};
use crate::store::{command, news};
use muster_agent_protocol::message::News;
use muster_domain::delivery::Cause;
use muster_domain::schedule::{MissedRuns, OccurrenceId, Starting};
use muster_domain::{RunId, TaskId};
use sqlx::SqliteConnection;

/// Makes an occurrence that is due now, and gives it its number.
pub(super) async fn start(acting: &mut Acting<'_>, kept: &Kept) -> Result<RunId, UserError> {
    let nothing = || UserError::NotNow("the server has not assigned the task yet".into());
    let assigned = kept.assigned.as_ref().ok_or_else(nothing)?;
    if command::find(acting.at, assigned.command).await?.is_none() {
        let text = "the server has not sent yet what is to be carried out";
        return Err(UserError::NotNow(text.into()));
    }
    let now = muster_clock::now();
    let zone = assigned.schedule.zone.rules(&acting.desk.zone.rules);
    let day = zone.map_or_else(
        |_| jiff::tz::TimeZone::UTC.to_datetime(now).date(),
        |zone| zone.to_datetime(now).date(),
    );
    let name = |number| OccurrenceId::Start {
        of: Starting::User,
        day,
        number,
    };
    let mut number = 1;
    while occurrence::exists(acting.at, kept.task, name(number)).await? {
        number += 1;
    }
    let run = occurrence::next_run(acting.at).await?;
    let rules = Rules {
        // A person waits for it: it starts as soon as it can.
        missed_runs: MissedRuns::Once,
        ..Rules::from(&assigned.schedule)
    };
    let new = NewOccurrence {
        name: name(number),
        due_at: now,
        start_at: now,
        rules: &rules,
    };
    let order = order(acting.desk.device, kept, assigned, run);
    occurrence::insert(acting.at, &order, &new, None).await?;
    let told = News::Occurred {
        run,
        task: kept.task,
        occurrence: new.name,
        revision: assigned.revision,
        command: assigned.command,
        plugin: assigned.plugin,
    };
    news::add(acting.at, &told).await?;
    Ok(run)
}

/// A run of a task whose command is at work, if there is one.
pub(super) async fn begun(
    at: &mut SqliteConnection,
    task: TaskId,
) -> Result<Option<RunId>, UserError> {
    let open = delivery::open(at).await?;
    let at_work = |delivery: &&Delivery| delivery.order.task == task && delivery.attempt > 0;
    Ok(open.iter().find(at_work).map(|delivery| delivery.order.run))
}

/// Has everything of a task stopped that is under way on the device, and gives back what.
pub(super) async fn stop(
    at: &mut SqliteConnection,
    task: Option<TaskId>,
    name: &str,
) -> Result<Vec<RunId>, UserError> {
    let mut stopped = Vec::new();
    for open in delivery::open(at).await? {
        let meant = match task {
            Some(task) => open.order.task == task,
            None => open.order.task_name == name,
        };
        if meant && delivery::set_stopped(at, open.order.run, &Cause::DeviceUser).await? {
            stopped.push(open.order.run);
        }
    }
    Ok(stopped)
}
