//! Report: the fourth step of a task's life.
//!
//! Agents' news are gathered into groups. The plug-in says what the reports among them mean, then
//! the whole group becomes rows in one transaction (states, outcomes, events and how far each
//! agent's news are durable) and only after the commit is it acknowledged. An agent that hears no
//! acknowledgement sends again; what was taken already is known by its number.

mod interpret;
mod keep;
mod later;

use crate::install::chain;
use crate::{App, AppError};
use muster_agent_protocol::message::{FromServer, NumberedNews};
use muster_domain::{ApplicationId, DeviceId, RunId};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

use crate::link::AgentLink;

/// Messages of agents that may wait. One more waits on its link, which slows its agent down.
const MOST_WAITING: usize = 1024;

/// Messages in one transaction.
const MOST_TAKEN: usize = 1024;

/// After a failure, the same group is tried again so soon.
const RETRY: Duration = Duration::from_secs(1);

/// News as they came over a link.
pub(crate) struct Taken {
    pub(crate) device: DeviceId,
    pub(crate) news: Vec<NumberedNews>,
    pub(crate) link: Arc<dyn AgentLink>,
}

/// Where news wait to be kept.
pub(crate) struct Reports(mpsc::Sender<Taken>);

pub(crate) fn queue() -> (Reports, mpsc::Receiver<Taken>) {
    let (sender, receiver) = mpsc::channel(MOST_WAITING);
    (Reports(sender), receiver)
}

impl Reports {
    /// Waits until there is room. When the server is stopping, the news are dropped without an
    /// acknowledgement, so the agent keeps them.
    pub(crate) async fn take(&self, taken: Taken) {
        let _ = self.0.send(taken).await;
    }
}

/// Keeps news until the server stops.
pub(crate) async fn work(app: App, mut waiting: mpsc::Receiver<Taken>) {
    let stopping = app.0.stopping.clone();
    let mut group = Vec::with_capacity(MOST_TAKEN);
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            count = waiting.recv_many(&mut group, MOST_TAKEN) => {
                if count == 0 {
                    return;
                }
            }
        }
        while let Err(error) = keep_group(&app, &group).await {
            tracing::error!(error = %chain(&error), "news of devices are held up; trying again");
            tokio::select! {
                () = stopping.cancelled() => return,
                () = tokio::time::sleep(RETRY) => {}
            }
        }
        group.clear();
    }
}

/// What a group changed.
#[derive(Default)]
struct Kept {
    /// Runs whose deliveries changed.
    runs: BTreeSet<RunId>,
    /// Runs that are finished.
    finished: BTreeSet<RunId>,
    /// Deliveries that no longer run.
    over: Vec<(RunId, DeviceId)>,
    /// Applications whose reports wait for a plug-in.
    waiting: BTreeSet<ApplicationId>,
}

async fn keep_group(app: &App, group: &[Taken]) -> Result<(), AppError> {
    let meanings = interpret::interpret(app, &interpret::reported(group)).await?;
    let news: Vec<(DeviceId, Vec<NumberedNews>)> = group
        .iter()
        .map(|taken| (taken.device, taken.news.clone()))
        .collect();
    let kept = app
        .logged(move |connection| Box::pin(keep::keep(connection, news, meanings)))
        .await?;
    muster_crash_point::reach("report.committed");
    for (run, device) in kept.over {
        app.0.watch.progress_over(run, device);
    }
    for run in kept.runs {
        app.0.watch.run_changed(run);
    }
    for application in &kept.waiting {
        // It may have come while the report was being kept.
        if app.plugin_loaded(application) {
            app.reports_take_up(application);
        }
    }
    for run in kept.finished {
        app.0.hints.run_changed(run);
    }
    for taken in group {
        if let Some(last) = taken.news.last() {
            taken.link.send(FromServer::Acknowledge {
                up_to: last.sequence,
            });
        }
    }
    muster_crash_point::reach("report.acknowledged");
    Ok(())
}
