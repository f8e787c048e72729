//! Ctrl-C and its like, so that processes and folder are cleared away before we end.

use anyhow::{Context, Result};
use std::cell::Cell;
use std::sync::mpsc::{Receiver, sync_channel};
use tokio::signal::unix::{SignalKind, signal};

/// Tells that somebody wants us to end, or closed the terminal. Ctrl-C goes to a command of `muster`
/// that runs meanwhile as well, so that ends by itself.
pub(super) struct Interrupt {
    signals: Receiver<()>,
    seen: Cell<bool>,
}

impl Interrupt {
    pub(super) fn listen() -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()
            .context("cannot listen for signals")?;
        let (mut interrupt, mut terminate, mut hang_up) = {
            let _inside = runtime.enter();
            let of = |kind| signal(kind).context("cannot listen for signals");
            (
                of(SignalKind::interrupt())?,
                of(SignalKind::terminate())?,
                of(SignalKind::hangup())?,
            )
        };
        let (send, signals) = sync_channel(1);
        std::thread::spawn(move || {
            runtime.block_on(async {
                loop {
                    tokio::select! {
                        _ = interrupt.recv() => {}
                        _ = terminate.recv() => {}
                        _ = hang_up.recv() => {}
                    }
                    // A full channel has one in it already, and one is enough.
                    let _ = send.try_send(());
                }
            });
        });
        Ok(Self {
            signals,
            seen: Cell::new(false),
        })
    }

    /// Whether one came.
    pub(super) fn came(&self) -> bool {
        self.seen
            .set(self.seen.get() || self.signals.try_recv().is_ok());
        self.seen.get()
    }

    /// Waits for one.
    pub(super) fn wait(&self) {
        if !self.came() {
            self.seen.set(self.signals.recv().is_ok());
        }
    }
}
