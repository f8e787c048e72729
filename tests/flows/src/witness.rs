//! A witness: an administrator who reads the event log all the time.

use anyhow::{Context as _, Result, ensure};
use muster_api::event::EventView;
use muster_test_harness::Client;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Decides how much it sees, and no more.
const BETWEEN_LOOKS: Duration = Duration::from_millis(30);

/// Reads the event log until it is asked what it saw. A server that does not answer is asked again.
#[derive(Debug)]
pub struct Witness {
    enough: oneshot::Sender<()>,
    reading: JoinHandle<Vec<EventView>>,
}

impl Witness {
    /// Begins to read after the event of this number.
    pub fn begin(client: &Client, after: i64) -> Self {
        let (enough, mut ended) = oneshot::channel();
        let client = client.clone();
        let reading = tokio::spawn(async move {
            let mut seen: Vec<EventView> = Vec::new();
            loop {
                let last = seen.last().map_or(after, |event| event.id);
                tokio::select! {
                    _ = &mut ended => return seen,
                    read = client.events(last, "") => seen.extend(read.unwrap_or_default()),
                }
                // The server has other things to do as well.
                tokio::time::sleep(BETWEEN_LOOKS).await;
            }
        });
        Self { enough, reading }
    }

    /// What it saw must still be there, as it was and under the same number; gives back the whole
    /// log, for more questions.
    pub async fn confirms(self, client: &Client) -> Result<Vec<EventView>> {
        let _ = self.enough.send(());
        let seen = self.reading.await.context("the witness failed")?;
        let log = client.events(0, "").await?;
        ensure!(
            log.is_sorted_by(|one, next| one.id < next.id),
            "numbers of events were given twice: {log:#?}"
        );
        for event in seen {
            ensure!(
                log.contains(&event),
                "this was told, and then it was gone: {event:?}"
            );
        }
        Ok(log)
    }
}
