//! Housekeeping: what goes on beside the way of an order.

use crate::agent::Shared;
use crate::store::log::{self, NewEntry};
use crate::store::{StoreError, news};
use muster_agent_protocol::message::News;
use muster_domain::event::Severity;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{sleep, timeout};

const PRUNE_PAUSE: Duration = Duration::from_mins(10);
const TELL_PAUSE: Duration = Duration::from_secs(30);

/// Tells of connectors that are passed over, once each.
pub(crate) async fn notice_connectors(shared: Arc<Shared>) {
    let mut view = shared.applications.subscribe();
    let mut told = HashSet::new();
    while view.changed().await.is_ok() {
        let problems = view.borrow_and_update().problems.clone();
        told.retain(|problem| problems.contains(problem));
        for problem in problems {
            if told.contains(&problem) {
                continue;
            }
            match notice(&shared, &problem).await {
                Ok(()) => told.extend([problem]),
                Err(cause) => tracing::warn!(
                    "cannot note a connector's problem: {}",
                    muster_domain::chain(&cause)
                ),
            }
        }
    }
}

async fn notice(shared: &Shared, problem: &str) -> Result<(), StoreError> {
    let (kind, severity) = ("connector.invalid", Severity::Warning);
    let text = format!("A connector is passed over: {problem}.");
    tracing::warn!("{text}");
    let mut transaction = shared.store.begin().await?;
    news::add(
        &mut transaction,
        &News::Happened {
            kind: kind.into(),
            severity,
            text: text.clone(),
            run: None,
        },
    )
    .await?;
    shared
        .store
        .log(
            &mut transaction,
            NewEntry {
                kind,
                severity,
                text,
                run: None,
                fields: vec![],
            },
        )
        .await?;
    transaction.commit().await?;
    shared.store.hints.link.notify_one();
    shared.store.hints.log.notify_one();
    Ok(())
}

/// Takes out of the store what is too old.
pub(crate) async fn prune(shared: Arc<Shared>) {
    loop {
        if let Err(cause) = shared.store.prune(&shared.tuning).await {
            tracing::warn!("cannot take old rows out: {}", muster_domain::chain(&cause));
        }
        sleep(PRUNE_PAUSE).await;
    }
}

/// Gives the platform's log what the local log has. An entry is marked after it was given, so it
/// is given at least once.
pub(crate) async fn tell_platform(shared: Arc<Shared>) {
    loop {
        match tell(&shared).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(cause) => tracing::warn!(
                "cannot read the local log: {}",
                muster_domain::chain(&cause)
            ),
        }
        let _ = timeout(TELL_PAUSE, shared.store.hints.log.notified()).await;
    }
}

/// Gives the next entries; whether there may be more.
async fn tell(shared: &Shared) -> Result<bool, StoreError> {
    let entries = log::untold(&mut *shared.store.acquire().await?).await?;
    let mut told = None;
    for entry in &entries {
        if let Err(cause) = shared.platform_log.write(entry) {
            tracing::warn!("{}", muster_domain::chain(&cause));
            break;
        }
        told = Some(entry.id);
    }
    if let Some(told) = told {
        log::set_told(&mut *shared.store.acquire().await?, told).await?;
    }
    Ok(told.is_some() && told == entries.last().map(|entry| entry.id))
}
