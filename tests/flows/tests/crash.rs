//! Crash: server and agent are killed at every step of a run, in any order, and each delivery is
//! done exactly once from the administrator's view.
//!
//! The places are those that the programs name with `muster_crash_point::reach`; one that no test
//! here uses fails `every_place_has_a_trial`. Crashes that are not of a run are in
//! `crash_elsewhere.rs`.

use anyhow::{Context as _, Result, ensure};
use futures_util::future::try_join_all;
use muster_flows::{ELSEWHERE, Trial, places};
use std::collections::BTreeSet;

/// The places of the server that a run passes. `:2` is the second time: the first news of the
/// device are that it began, the second that it ended.
const SERVER: [&str; 11] = [
    "dispatch.before-commit",
    "dispatch.committed",
    "deliver.before-commit",
    "deliver.committed",
    "deliver.sent",
    "report.before-commit",
    "report.committed",
    "report.acknowledged",
    "report.before-commit:2",
    "report.committed:2",
    "report.acknowledged:2",
];

/// The places of the agent that a run passes. There are two programs, one after the other.
const AGENT: [&str; 12] = [
    "agent.order-received",
    "agent.delivery-committed",
    "agent.command-stored",
    "agent.process-started",
    "agent.process-ended",
    "agent.process-started:2",
    "agent.process-ended:2",
    "agent.news-sent",
    "agent.acknowledged",
    "agent.result-committed",
    "agent.news-sent:2",
    "agent.acknowledged:2",
];

/// The places between any two writes of the server, whatever they are for.
const COMMIT: [&str; 2] = ["storage.before-commit", "storage.after-commit"];

/// Where the server is killed, and where the agent.
type Places = (Option<&'static str>, Option<&'static str>);

/// An agent takes up to ten seconds to come back to a server that was killed, so a few systems share
/// the work.
const SYSTEMS: usize = 6;

async fn trials(places: Vec<Places>) -> Result<()> {
    let systems = (0..SYSTEMS).map(|first| {
        let places = places.iter().copied().skip(first).step_by(SYSTEMS);
        async move {
            let mut trial = Trial::prepare().await?;
            for (server, agent) in places {
                trial.run(server, agent).await?;
            }
            anyhow::Ok(())
        }
    });
    try_join_all(systems).await?;
    Ok(())
}

#[tokio::test]
async fn the_server_is_killed_at_each_place() -> Result<()> {
    trials(SERVER.map(|place| (Some(place), None)).into()).await
}

#[tokio::test]
async fn the_agent_is_killed_at_each_place() -> Result<()> {
    trials(AGENT.map(|place| (None, Some(place))).into()).await
}

/// Each place of one with a place of the other; the two lists are of different lengths, so early
/// meets late and late meets early.
#[tokio::test]
async fn both_are_killed() -> Result<()> {
    let server = SERVER.iter().copied().cycle();
    // So that neither always dies first.
    let agent = AGENT.iter().copied().cycle().skip(7);
    let pairs = server
        .zip(agent)
        .map(|(server, agent)| (Some(server), Some(agent)));
    trials(pairs.take(AGENT.len()).collect()).await
}

#[tokio::test]
async fn the_server_is_killed_at_each_commit() -> Result<()> {
    let every_second = |(place, first): (&'static str, u32)| async move {
        let mut trial = Trial::prepare().await?;
        let mut time = first;
        while trial.run_maybe_killed(&format!("{place}:{time}")).await? {
            time += 2;
        }
        ensure!(time > 4, "{place}: a run has more than {time} commits");
        Ok(())
    };
    let [before, after] = COMMIT;
    let systems = [(before, 1), (before, 2), (after, 1), (after, 2)].map(every_second);
    try_join_all(systems).await?;
    Ok(())
}

#[test]
fn every_place_has_a_trial() -> Result<()> {
    let used = SERVER.iter().chain(&AGENT).chain(&COMMIT).chain(&ELSEWHERE);
    let used: BTreeSet<&str> = used
        .map(|place| place.split_once(':').map_or(*place, |(name, _)| name))
        .collect();
    let named = places().context("the programs' sources cannot be read")?;
    let named: BTreeSet<&str> = named.iter().map(String::as_str).collect();
    assert_eq!(
        used, named,
        "places with a trial, and places that there are"
    );
    Ok(())
}
