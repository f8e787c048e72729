//! Socket: where the agent takes requests of the device's users.
//!
//! Who may is the file's owner, group and mode, which the kernel holds: the agent's own user, root, and
//! the members of the group that the configuration names. Whether the *device's user* may is the policy
//! of the device's group, which [`act`](super::act()) asks. Each connection is one request and one answer.

use super::act::{Desk, act};
use super::request::{Answer, Done, Request};
use crate::agent::Shared;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// Bytes of one request: settings at their longest, and a schedule.
const MOST_BYTES: u64 = 512 * 1024;
/// For one connection.
const LIMIT: Duration = Duration::from_secs(20);
/// Connections at once.
const MOST: usize = 8;

/// Where requests are taken.
#[derive(Debug, Clone)]
pub struct UserSocket {
    /// The file.
    pub path: PathBuf,
    /// The group whose members may use it, beside root and the agent's own user.
    pub group: Option<String>,
}

/// Why there is no socket, or no answer from it.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// The socket cannot be made.
    #[error("cannot take requests of users at {}", path.display())]
    Bind {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// The group is not there.
    #[error(
        "there is no group \"{0}\" on this device; create it, or set user-group to another one"
    )]
    NoGroup(String),
    /// The agent cannot be reached.
    #[error("cannot ask the agent at {}", path.display())]
    Connect {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// The agent's answer cannot be read.
    #[error("the agent's answer cannot be read")]
    Unreadable(#[from] serde_json::Error),
}

/// Makes the socket. What an agent before this one left there is removed: the folder's lock says that none
/// is at work.
pub(crate) fn bind(socket: &UserSocket) -> Result<UnixListener, SocketError> {
    let path = &socket.path;
    let failed = |cause| SocketError::Bind {
        path: path.clone(),
        cause,
    };
    let group = match &socket.group {
        Some(name) => Some(group_id(name).ok_or_else(|| SocketError::NoGroup(name.clone()))?),
        None => None,
    };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    match std::fs::remove_file(path) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(failed(cause)),
        _ => {}
    }
    // To connect is to write, and files are made so that only their owner writes them.
    let listener = UnixListener::bind(path).map_err(failed)?;
    if group.is_some() {
        std::os::unix::fs::chown(path, None, group).map_err(failed)?;
    }
    let mode = if group.is_some() { 0o660 } else { 0o600 };
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).map_err(failed)?;
    Ok(listener)
}

/// The worker.
pub(crate) async fn serve(shared: Arc<Shared>, listener: UnixListener) {
    let places = Arc::new(Semaphore::new(MOST));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let shared = shared.clone();
                tokio::spawn(async move {
                    if timeout(LIMIT, answer(&shared, stream)).await.is_err() {
                        tracing::debug!("a user's request took too long");
                    }
                    drop(place);
                });
            }
            Err(cause) => {
                tracing::warn!("no requests of users are taken for a moment: {cause}");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

async fn answer(shared: &Shared, mut stream: UnixStream) {
    let user = stream
        .peer_cred()
        .map_or_else(|_| "unknown".into(), |peer| user_name(peer.uid()));
    let mut text = Vec::new();
    let mut limited = (&mut stream).take(MOST_BYTES + 1);
    if limited.read_to_end(&mut text).await.is_err() {
        return;
    }
    let answer = match serde_json::from_slice::<Request>(&text) {
        _ if text.len() as u64 > MOST_BYTES => {
            Answer::No(format!("a request has at most {MOST_BYTES} bytes"))
        }
        Err(cause) => Answer::No(format!("the request cannot be read: {cause}")),
        Ok(request) => {
            let zone = shared.zone.borrow().clone();
            let desk = Desk {
                store: &shared.store,
                device: shared.identity.device,
                zone: &zone,
                user: &user,
            };
            match act(desk, request).await {
                Ok(done) => Answer::Done(done),
                Err(error) => Answer::No(muster_domain::chain(&error)),
            }
        }
    };
    let text = serde_json::json!(answer).to_string();
    let _ = stream.write_all(text.as_bytes()).await;
    let _ = stream.shutdown().await;
}

/// Asks the agent that works there. None if none does.
pub async fn ask(
    path: &Path,
    request: &Request,
) -> Result<Option<Result<Done, String>>, SocketError> {
    let failed = |cause| SocketError::Connect {
        path: path.to_owned(),
        cause,
    };
    let mut stream = match UnixStream::connect(path).await {
        Ok(stream) => stream,
        Err(cause)
            if matches!(
                cause.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
            ) =>
        {
            return Ok(None);
        }
        Err(cause) => return Err(failed(cause)),
    };
    let text = serde_json::json!(request).to_string();
    stream.write_all(text.as_bytes()).await.map_err(failed)?;
    stream.shutdown().await.map_err(failed)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.map_err(failed)?;
    Ok(Some(match serde_json::from_slice(&answer)? {
        Answer::Done(done) => Ok(done),
        Answer::No(why) => Err(why),
    }))
}

/// The name of a user by number, as the device's own list has it; else the number.
pub fn user_name(uid: u32) -> String {
    let all = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let found = all.lines().find_map(|line| {
        let mut parts = line.split(':');
        let name = parts.next()?;
        (parts.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    });
    found.unwrap_or_else(|| uid.to_string())
}

fn group_id(name: &str) -> Option<u32> {
    if let Ok(number) = name.parse() {
        return Some(number);
    }
    let all = std::fs::read_to_string("/etc/group").unwrap_or_default();
    all.lines().find_map(|line| {
        let mut parts = line.split(':');
        (parts.next()? == name).then(|| parts.nth(1)?.parse().ok())?
    })
}
