//! Outbreak: tells when detections of malware are so many that they are one thing.
//!
//! A loop without input: when the event log grows, the detections of the last minutes are counted.
//! What it tells is an event, from which whoever watches the log and the tasks that start on an
//! outbreak learn of it. Nothing is kept beside the log, so a crash loses nothing.

use crate::{App, AppError};
use jiff::Timestamp;
use muster_domain::event::{Actor, NewEvent, Severity};
use muster_domain::outbreak::{Detection, Outbreak, OutbreakRule};
use muster_domain::schedule::OutbreakSource;
use muster_domain::{EventId, chain};
use muster_storage::Connection;
use muster_storage::event::{EventFilter, event_detections, event_insert, event_list};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::sleep;

/// The kind of the event.
pub(crate) const KIND: &str = "outbreak.began";

/// After a failure, the log is looked at again so soon.
const RETRY: Duration = Duration::from_secs(2);

/// The log of a busy server grows all the time; it is looked at so often at most.
const BETWEEN: Duration = Duration::from_millis(200);

/// Looks until the server stops.
pub(crate) async fn work(app: App, rules: Vec<OutbreakRule>) {
    let rules: Vec<OutbreakRule> = rules.into_iter().filter(OutbreakRule::is_on).collect();
    if rules.is_empty() {
        return;
    }
    let stopping = app.0.stopping.clone();
    let mut log = app.event_hints();
    let mut seen = BTreeMap::new();
    loop {
        let mut pause = BETWEEN;
        if let Err(error) = look(&app, &rules, &mut seen).await {
            tracing::error!(error = %chain(&error), "nobody looked for an outbreak; trying again");
            pause = RETRY;
            log.mark_changed();
        }
        tokio::select! {
            () = stopping.cancelled() => break,
            () = sleep(pause) => {}
        }
        tokio::select! {
            () = stopping.cancelled() => break,
            changed = log.changed() => if changed.is_err() { break },
        }
    }
}

async fn look(
    app: &App,
    rules: &[OutbreakRule],
    seen: &mut BTreeMap<OutbreakSource, EventId>,
) -> Result<(), AppError> {
    for rule in rules {
        let newest = newest(&mut *app.0.storage.read().await?, &rule.kinds).await?;
        let Some(newest) = newest.filter(|newest| seen.get(&rule.source) != Some(newest)) else {
            continue;
        };
        let of = rule.clone();
        app.logged(move |connection| Box::pin(count(connection, of)))
            .await?;
        seen.insert(rule.source, newest);
    }
    Ok(())
}

/// The newest detection.
async fn newest(
    connection: &mut Connection,
    kinds: &[String],
) -> Result<Option<EventId>, AppError> {
    let mut newest = None;
    for kind in kinds {
        let filter = EventFilter {
            kind: Some(kind.clone()),
            ..EventFilter::default()
        };
        let last = event_list(connection, &filter, 1).await?;
        newest = newest.max(last.first().map(|event| event.id));
    }
    Ok(newest)
}

/// Counts, and tells of an outbreak if there is one.
async fn count(connection: &mut Connection, rule: OutbreakRule) -> Result<(), AppError> {
    let now = muster_clock::now();
    let last = last(connection, rule.source).await?;
    let Some(since) = rule.since(last, now) else {
        return Ok(());
    };
    let mut detections = Vec::new();
    for kind in &rule.kinds {
        let found = event_detections(connection, kind, since).await?;
        detections.extend(
            found
                .into_iter()
                .map(|(at, device)| Detection { at, device }),
        );
    }
    if let Some(outbreak) = rule.breaks_out(&detections) {
        event_insert(connection, now, &[event(&rule, outbreak)]).await?;
    }
    Ok(())
}

/// When the last outbreak of this source began.
async fn last(
    connection: &mut Connection,
    source: OutbreakSource,
) -> Result<Option<Timestamp>, AppError> {
    let filter = EventFilter {
        kind: Some(KIND.to_owned()),
        ..EventFilter::default()
    };
    // There are at most a few in an hour.
    let events = event_list(connection, &filter, 100).await?;
    let of = events
        .iter()
        .find(|event| self::source(&event.event.fields) == Some(source));
    Ok(of.map(|event| event.at))
}

/// The source that an event of an outbreak names.
pub(crate) fn source(fields: &serde_json::Value) -> Option<OutbreakSource> {
    let source = fields.get("source").cloned()?;
    serde_json::from_value(source).ok()
}

fn event(rule: &OutbreakRule, outbreak: Outbreak) -> NewEvent {
    let place = match rule.source {
        OutbreakSource::Files => "in files",
        OutbreakSource::Mail => "in mail",
        OutbreakSource::Perimeter => "on the way in",
    };
    let Outbreak {
        detections,
        devices,
    } = outbreak;
    let minutes = rule.within_minutes;
    let text = format!(
        "Malware breaks out {place}: {detections} detections on {devices} devices within {minutes} \
         minutes."
    );
    NewEvent::new(KIND, Severity::Critical, Actor::Server, text).with(serde_json::json!({
        "source": rule.source,
        "detections": detections,
        "devices": devices,
        "within-minutes": minutes,
    }))
}
