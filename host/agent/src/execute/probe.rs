//! A question to a program of an application: its version, or whether it runs.

use super::group::Group;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;

const MOST_BYTES: u64 = 64 * 1024;

/// What a program said.
pub(crate) struct Answer {
    /// Whether it exited with 0.
    pub(crate) success: bool,
    /// What it wrote, at most 64 KiB of each of its outputs.
    pub(crate) text: String,
}

/// Runs a program and takes its answer. An error is a program that cannot be started or that gave
/// no answer in time; it was ended then.
pub(crate) async fn probe(
    program: &Path,
    arguments: &[String],
    limit: Duration,
) -> std::io::Result<Answer> {
    let mut command = Command::new(program);
    super::step::bare(&mut command);
    command.args(arguments).stdin(Stdio::null());
    let mut child = command.spawn()?;
    let group = Group::of(&child)?;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let asked = async {
        let texts = tokio::join!(read(out), read(err));
        group.leader_ended().await;
        texts
    };
    let answer = tokio::time::timeout(limit, asked).await;
    group.end_rest(Duration::ZERO).await;
    let status = child.wait().await?;
    let (out, err) = answer.map_err(|_| std::io::Error::from(std::io::ErrorKind::TimedOut))?;
    Ok(Answer {
        success: status.success(),
        text: format!("{out}\n{err}"),
    })
}

/// Reads to the end, so that the program is not held up, and keeps the beginning.
async fn read(stream: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut stream) = stream else {
        return String::new();
    };
    let mut kept = Vec::new();
    let _ = (&mut stream).take(MOST_BYTES).read_to_end(&mut kept).await;
    let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
    String::from_utf8_lossy(&kept).into_owned()
}
