//! Link: one WebSocket to the server, again and again.
//!
//! Orders and command bodies come in and become rows at once; news go out from the rows. What is
//! lost with a link is asked for, or sent, again on the next one.

mod backoff;
mod connect;
mod session;

use crate::agent::Shared;
use crate::store::log::NewEntry;
use crate::store::standing;
use backoff::Backoff;
use muster_domain::event::Severity;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

/// For name lookup, TCP, TLS and the handshake together.
const CONNECT_LIMIT: Duration = Duration::from_secs(30);

/// The codes of refusals that say that this machine is not, or no longer, the server's device.
const BARRED: [&str; 3] = ["device-cloned", "device-removed", "certificate-replaced"];

/// How a link ended, or that it never began.
#[derive(Debug)]
enum LinkEnd {
    /// It was lost. After a welcome the server has said within which time to come back.
    Lost {
        why: String,
        reconnect_within: Option<Duration>,
    },
    /// The server will not have it.
    Refused {
        code: String,
        text: String,
        retry_after: Option<u32>,
    },
    /// The store took a new name, or the device another zone: it has to present itself again.
    Again,
    /// The agent stops.
    Stopped,
}

/// The worker.
pub(crate) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    let mut backoff = Backoff::new(shared.tuning.longest_backoff);
    let mut last = (String::new(), String::new());
    loop {
        let begun = Instant::now();
        let end = tokio::select! {
            end = one_link(&shared, &stop, &mut last) => end,
            // A session sees the wish itself and says good-bye.
            () = async { stop.cancelled().await; tokio::time::sleep(Duration::from_secs(2)).await } => return,
        };
        let pause = match end {
            LinkEnd::Stopped => return,
            LinkEnd::Again => Duration::ZERO,
            LinkEnd::Lost {
                why,
                reconnect_within,
            } => {
                note(&shared, &mut last, "lost", &why).await;
                // A link that held a while is no failure to be slowed down for.
                if reconnect_within.is_some() && begun.elapsed() > Duration::from_secs(10) {
                    backoff.reset();
                }
                backoff.next(reconnect_within)
            }
            LinkEnd::Refused {
                code,
                text,
                retry_after,
            } => {
                note(&shared, &mut last, "refused", &format!("{code}: {text}")).await;
                if BARRED.contains(&code.as_str()) {
                    be_barred(&shared).await;
                }
                let Some(seconds) = retry_after else {
                    stop.cancelled().await;
                    return;
                };
                Backoff::after(Duration::from_secs(seconds.into()))
            }
        };
        if timeout(pause, stop.cancelled()).await.is_ok() {
            return;
        }
    }
}

/// Starts nothing from here on: what it did nobody would hear of, or another machine does it.
async fn be_barred(shared: &Shared) {
    let kept = shared.store.set_barred(&shared.identity.certificate);
    if let Err(cause) = kept.await {
        tracing::warn!(
            "cannot keep that the server lets this device in no more: {}",
            muster_domain::chain(&cause)
        );
    }
    shared.store.hints.deliver.notify_one();
    shared.store.hints.schedule.notify_one();
}

async fn one_link(
    shared: &Arc<Shared>,
    stop: &CancellationToken,
    last: &mut (String, String),
) -> LinkEnd {
    let none = |why| LinkEnd::Lost {
        why,
        reconnect_within: None,
    };
    // The first message tells of the applications, so they are looked at first.
    let _ = shared
        .applications
        .subscribe()
        .wait_for(|view| view.look > 0)
        .await;
    let socket = match timeout(CONNECT_LIMIT, connect::connect(shared)).await {
        Ok(Ok(socket)) => socket,
        Ok(Err(cause)) => return none(muster_domain::chain(&cause)),
        Err(_) => {
            return none(format!(
                "{} did not answer within 30 s",
                shared.identity.server
            ));
        }
    };
    session::Session::new(shared, socket).run(stop, last).await
}

/// Notes how the link stands, when that has changed.
async fn note(shared: &Shared, last: &mut (String, String), state: &'static str, detail: &str) {
    let now = (state.to_owned(), detail.to_owned());
    if *last == now {
        return;
    }
    let changed = last.0 != state;
    *last = now;
    let (kind, severity, text) = match state {
        "linked" => (
            "link.opened",
            Severity::Info,
            format!("Linked to {}.", shared.identity.server),
        ),
        "refused" => (
            "link.refused",
            Severity::Critical,
            format!("{} refuses this device: {detail}.", shared.identity.server),
        ),
        _ => (
            "link.lost",
            Severity::Warning,
            format!("No link to {}: {detail}.", shared.identity.server),
        ),
    };
    tracing::info!("{text}");
    let noted = async {
        let mut transaction = shared.store.begin().await?;
        standing::set(&mut transaction, state, detail).await?;
        if changed {
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
        }
        transaction
            .commit()
            .await
            .map_err(crate::store::StoreError::from)
    };
    if let Err(cause) = noted.await {
        tracing::warn!(
            "cannot note how the link stands: {}",
            muster_domain::chain(&cause)
        );
    }
    shared.store.hints.log.notify_one();
}
