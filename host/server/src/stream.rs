//! Server-sent events: a run as it changes, the event log as it grows.
//!
//! A hint wakes a stream; what it tells it reads from the rows. So a stream that is slow, or missed
//! hints, tells the newest state all the same, and an event is never left out.

use crate::api::view;
use crate::edge::Edge;
use crate::problem::Problem;
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{self, StreamExt as _};
use muster_api::run::RunView;
use muster_app::event::EventFilter;
use muster_app::{Administrator, App};
use muster_domain::run::RunState;
use muster_domain::{EventId, RunId};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::{broadcast, watch};

/// Between two events of a run's stream.
const RUN_PACE: Duration = Duration::from_millis(250);

/// A comment so often tells whoever is between that the stream lives.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Events that are read at once.
const EVENT_BATCH: u32 = 500;

struct RunWatch {
    app: App,
    who: Administrator,
    run: RunId,
    hints: broadcast::Receiver<RunId>,
    next: Option<RunView>,
    told: Option<RunView>,
}

impl RunWatch {
    /// The next state that differs from the one told last; none after the last one.
    async fn next(&mut self) -> Option<RunView> {
        if self
            .told
            .as_ref()
            .is_some_and(|told| told.state == RunState::Finished)
        {
            return None;
        }
        if self.told.is_some() {
            tokio::time::sleep(RUN_PACE).await;
        }
        while self.next.is_none() || self.next == self.told {
            self.wait().await?;
            self.next = Some(view::run(self.read().await?));
        }
        self.told = self.next.take();
        self.told.clone()
    }

    async fn wait(&mut self) -> Option<()> {
        loop {
            match self.hints.recv().await {
                Ok(run) if run == self.run => break,
                Ok(_) => {}
                Err(RecvError::Lagged(_)) => break,
                Err(RecvError::Closed) => return None,
            }
        }
        // One look at the rows answers all hints that wait.
        while !matches!(
            self.hints.try_recv(),
            Err(TryRecvError::Empty | TryRecvError::Closed)
        ) {}
        Some(())
    }

    async fn read(&self) -> Option<muster_app::watch::RunDetail> {
        let read = self.app.run_get(&self.who, self.run).await;
        read.inspect_err(|error| tracing::warn!(run = %self.run, %error, "a stream was cut"))
            .ok()
    }
}

/// The stream of a run.
pub(crate) async fn run(
    edge: &Edge,
    who: Administrator,
    run: RunId,
) -> Result<impl IntoResponse + use<>, Problem> {
    let app = edge.app().clone();
    // Before the first look, so that nothing falls between the two.
    let hints = app.run_hints();
    let next = Some(view::run(app.run_get(&who, run).await?));
    let watch = RunWatch {
        app,
        who,
        run,
        hints,
        next,
        told: None,
    };
    let events = stream::unfold(watch, async |mut watch| {
        let view = watch.next().await?;
        Some((event("run", None, &view), watch))
    });
    Ok(sent(edge, events))
}

struct LogWatch {
    app: App,
    who: Administrator,
    filter: EventFilter,
    hints: watch::Receiver<u64>,
    read: VecDeque<muster_domain::event::Event>,
}

impl LogWatch {
    async fn next(&mut self) -> Option<muster_domain::event::Event> {
        while self.read.is_empty() {
            self.hints.mark_unchanged();
            let events = self
                .app
                .event_list(&self.who, &self.filter, EVENT_BATCH)
                .await;
            let events = events.inspect_err(|error| tracing::warn!(%error, "a stream was cut"));
            self.read = events.ok()?.into();
            if self.read.is_empty() {
                self.hints.changed().await.ok()?;
            }
        }
        let event = self.read.pop_front()?;
        self.filter.after = Some(event.id);
        Some(event)
    }
}

/// The stream of the event log.
pub(crate) async fn events(
    edge: &Edge,
    who: Administrator,
    mut filter: EventFilter,
) -> Result<impl IntoResponse + use<>, Problem> {
    let app = edge.app().clone();
    if filter.after.is_none() {
        let latest = app.event_list(&who, &EventFilter::default(), 1).await?;
        filter.after = Some(latest.first().map_or(EventId(0), |event| event.id));
    }
    let hints = app.event_hints();
    let watch = LogWatch {
        app,
        who,
        filter,
        hints,
        read: VecDeque::new(),
    };
    let events = stream::unfold(watch, async |mut watch| {
        let view = view::event(watch.next().await?);
        Some((event("event", Some(view.id), &view), watch))
    });
    Ok(sent(edge, events))
}

fn event(name: &str, id: Option<i64>, view: &impl serde::Serialize) -> Event {
    let event = Event::default()
        .event(name)
        .data(serde_json::json!(view).to_string());
    match id {
        Some(id) => event.id(id.to_string()),
        None => event,
    }
}

fn sent<S>(edge: &Edge, events: S) -> impl IntoResponse + use<S>
where
    S: stream::Stream<Item = Event> + Send + 'static,
{
    let events = events
        .map(Ok::<_, Infallible>)
        .take_until(edge.stopping().clone().cancelled_owned());
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}
