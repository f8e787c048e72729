//! Report: the fourth step of a task's life.
//!
//! Agents' news are gathered into groups, by whose plug-ins have a word about them, so that one which
//! takes its time holds up no others. The plug-in says what the reports among them mean, then
//! the whole group becomes rows in one transaction (states, outcomes, events and how far each
//! agent's news are durable) and only after the commit is it acknowledged. An agent that hears no
//! acknowledgement sends again; what was taken already is known by its number.

mod interpret;
mod keep;
mod later;
mod own;
#[cfg(test)]
mod tests_states;

pub(crate) use later::Pauses;

use crate::link::AgentLink;
use crate::{App, AppError};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use muster_agent_protocol::message::{FromServer, NumberedNews};
use muster_domain::chain;
use muster_domain::{ApplicationId, DeviceId, RunId};
use muster_storage::run::run_applications;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Messages of agents that may wait. One more waits on its link, which slows its agent down.
const MOST_WAITING: usize = 1024;

/// Messages in one transaction.
const MOST_TAKEN: usize = 1024;

/// After a failure, the same group is tried again so soon.
const RETRY: Duration = Duration::from_secs(1);

/// News as they came over a link.
pub(crate) struct Taken {
    device: DeviceId,
    news: Vec<NumberedNews>,
    link: Arc<dyn AgentLink>,
    /// Told when the news are kept.
    kept: oneshot::Sender<()>,
}

/// Where news wait to be kept.
pub(crate) struct Reports(mpsc::Sender<Taken>);

pub(crate) fn queue() -> (Reports, mpsc::Receiver<Taken>) {
    let (sender, receiver) = mpsc::channel(MOST_WAITING);
    (Reports(sender), receiver)
}

impl Reports {
    /// Waits until the news are kept, so that a link's news keep their order and no link has more
    /// than one message here. When the server is stopping, they are dropped without an
    /// acknowledgement, so the agent keeps them.
    pub(crate) async fn take(
        &self,
        device: DeviceId,
        news: Vec<NumberedNews>,
        link: Arc<dyn AgentLink>,
    ) {
        let (kept, until_kept) = oneshot::channel();
        let taken = Taken {
            device,
            news,
            link,
            kept,
        };
        if self.0.send(taken).await.is_ok() {
            let _ = until_kept.await;
        }
    }
}

/// The applications whose plug-ins have a word about news.
type Whose = BTreeSet<ApplicationId>;

/// Keeps news until the server stops.
pub(crate) async fn work(app: App, mut waiting: mpsc::Receiver<Taken>) {
    let stopping = app.0.stopping.clone();
    let mut came = Vec::with_capacity(MOST_TAKEN);
    let mut shares = Shares::default();
    let mut kept = FuturesUnordered::new();
    loop {
        tokio::select! {
            () = stopping.cancelled() => break,
            count = waiting.recv_many(&mut came, MOST_TAKEN) => {
                if count == 0 {
                    break;
                }
                let whose = whose(&app, &came).await.unwrap_or_else(|error| {
                    // Then they wait for each other, until rows can be read again.
                    tracing::error!(error = %chain(&error), "nobody knows whose news came");
                    vec![Whose::default(); came.len()]
                });
                shares.add(came.drain(..).zip(whose));
            }
            Some(whose) = kept.next() => shares.rest(&whose),
        }
        let begin = |(whose, group)| keep_share(app.clone(), whose, group);
        kept.extend(shares.take_due().into_iter().map(begin));
    }
    while kept.next().await.is_some() {}
}

/// News by whose plug-ins have a word about them. Those of one share wait for each other, and for
/// nobody else: a plug-in that takes its time holds up what it is asked about.
#[derive(Default)]
struct Shares {
    waiting: BTreeMap<Whose, Vec<Taken>>,
    /// Those of which a group is being kept.
    busy: BTreeSet<Whose>,
}

impl Shares {
    fn add(&mut self, news: impl Iterator<Item = (Taken, Whose)>) {
        for (taken, whose) in news {
            self.waiting.entry(whose).or_default().push(taken);
        }
    }

    /// Takes a group of each share that has news and none being kept.
    fn take_due(&mut self) -> Vec<(Whose, Vec<Taken>)> {
        let idle = self
            .waiting
            .extract_if(.., |whose, _| !self.busy.contains(whose));
        let mut groups: Vec<(Whose, Vec<Taken>)> = idle.collect();
        for (whose, group) in &mut groups {
            self.busy.insert(whose.clone());
            if group.len() > MOST_TAKEN {
                let later = group.split_off(MOST_TAKEN);
                self.waiting.insert(whose.clone(), later);
            }
        }
        groups
    }

    fn rest(&mut self, whose: &Whose) {
        self.busy.remove(whose);
    }
}

/// Whose each of the news are.
async fn whose(app: &App, came: &[Taken]) -> Result<Vec<Whose>, AppError> {
    let runs = came.iter().map(|taken| {
        let reported = interpret::reported(std::slice::from_ref(taken));
        reported.into_iter().map(|(run, ..)| run).collect()
    });
    let runs: Vec<Vec<RunId>> = runs.collect();
    let mut connection = app.0.storage.read().await?;
    let of_runs = run_applications(&mut connection, &runs.concat()).await?;
    let whose = |runs: &Vec<RunId>| {
        let whose = runs.iter().filter_map(|run| of_runs.get(run).cloned());
        whose.collect()
    };
    Ok(runs.iter().map(whose).collect())
}

/// Keeps a group of a share, again and again until it succeeds or the server stops.
async fn keep_share(app: App, whose: Whose, group: Vec<Taken>) -> Whose {
    while let Err(error) = keep_group(&app, &group).await {
        tracing::error!(error = %chain(&error), "news of devices are held up; trying again");
        tokio::select! {
            () = app.0.stopping.cancelled() => break,
            () = tokio::time::sleep(RETRY) => {}
        }
    }
    for taken in group {
        // Nobody waits for news of a link that is gone.
        let _ = taken.kept.send(());
    }
    whose
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
        if app.0.rollouts.follows(run) {
            app.0.hints.run_changed(run);
        }
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
