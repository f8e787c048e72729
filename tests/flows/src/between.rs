//! A bad line: it lets so much through of what one side says, and then no more.

use anyhow::{Context as _, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What happens when all was let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// The connection is closed, and there is no other one.
    Gone,
    /// It stays open, and nothing comes any more.
    Silent,
}

/// Something that stands between a client and a server, on loopback.
#[derive(Debug)]
pub struct Between {
    address: String,
    ended: watch::Receiver<bool>,
}

impl Between {
    /// Stands before `server` (`host:port`), and lets `bytes` of its answers through, counted over
    /// all connections.
    pub async fn start(server: &str, bytes: usize, then: Then) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let (end, ended) = watch::channel(false);
        let (server, left) = (server.to_owned(), Arc::new(AtomicUsize::new(bytes)));
        tokio::spawn(async move {
            let end = Arc::new(end);
            while let Ok((client, _)) = listener.accept().await {
                if *end.borrow() && then == Then::Gone {
                    continue;
                }
                let Ok(server) = TcpStream::connect(&server).await else {
                    continue;
                };
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                tokio::spawn(all(from_client, to_server));
                let (left, end) = (Arc::clone(&left), Arc::clone(&end));
                tokio::spawn(async move {
                    // A side that goes away early ends its connection, and nothing else.
                    let passed = some(from_server, to_client, &left).await;
                    if let Ok(Some(open)) = passed {
                        let _ = end.send(true);
                        if then == Then::Silent {
                            std::future::pending::<()>().await;
                        }
                        drop(open);
                    }
                });
            }
        });
        Ok(Self { address, ended })
    }

    /// `127.0.0.1:PORT`
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Waits until all was let through that is.
    pub async fn ended(&mut self) -> Result<()> {
        self.ended
            .wait_for(|ended| *ended)
            .await
            .context("the line broke by itself")?;
        Ok(())
    }
}

async fn all(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
    // Either side may go away whenever it likes.
    let _ = tokio::io::copy(&mut from, &mut to).await;
}

/// Passes on what may be passed on. Gives back both ends if that was all.
async fn some(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    left: &AtomicUsize,
) -> std::io::Result<Option<(OwnedReadHalf, OwnedWriteHalf)>> {
    let mut buffer = vec![0; 4096];
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            return Ok(None);
        }
        let before = left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                Some(left.saturating_sub(read))
            })
            .unwrap_or_default();
        let may = buffer.get(..read.min(before)).unwrap_or_default();
        to.write_all(may).await?;
        if before <= read {
            return Ok(Some((from, to)));
        }
    }
}
