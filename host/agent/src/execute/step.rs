//! One step: one program, run once, without a shell, in a process group of its own.

use super::control::{Control, Ending, Stopwatch};
use super::group::Group;
use super::output::{Output, Stream};
use super::prepare::Prepared;
use muster_agent_protocol::secret::Values;
use muster_domain::command::Value;
use muster_domain::report::StepEnd;
use rustix::process::Signal;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use zeroize::Zeroizing;

/// A process that left the group may still hold an output open; it is not waited for longer.
const DRAIN: Duration = Duration::from_secs(1);

/// How a step ended, and who ended it if it was not the program itself.
pub(crate) struct Ended {
    pub(crate) end: StepEnd,
    pub(crate) by: Option<Ending>,
}

/// The environment and the group that every program of ours gets: nothing of the agent's own.
pub(crate) fn bare(command: &mut Command) {
    command
        .env_clear()
        .env(
            "PATH",
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        )
        .env("LANG", "C")
        .env(
            "HOME",
            std::env::var_os("HOME").unwrap_or_else(|| "/".into()),
        )
        .current_dir("/")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
}

/// A program that was started.
pub(crate) struct Started {
    child: Child,
    input: Option<Zeroizing<String>>,
    pub(crate) group: Group,
}

/// Starts the program of a step. `mark` is put into its environment.
pub(crate) fn start(
    step: &Prepared,
    secrets: &Values,
    mark: &(String, String),
) -> std::io::Result<Started> {
    let input = step.input.as_ref().map(|input| text(input, secrets));
    let input = input
        .transpose()?
        .map(|input| Zeroizing::new(input.to_owned()));
    let mut command = Command::new(&step.path);
    bare(&mut command);
    command
        .args(&step.arguments)
        .env(&mark.0, &mark.1)
        .stdin(if input.is_some() {
            Stdio::piped()
        } else {
            Stdio::null()
        });
    for (name, value) in &step.environment {
        command.env(name, text(value, secrets)?);
    }
    let child = command.spawn()?;
    let group = Group::of(&child)?;
    Ok(Started {
        child,
        input,
        group,
    })
}

/// A value as the program gets it.
fn text<'v>(value: &'v Value, secrets: &'v Values) -> std::io::Result<&'v str> {
    match value {
        Value::Literal(text) => Ok(text),
        Value::Secret(name) => secrets.get(name).ok_or_else(|| {
            std::io::Error::other(format!("the server did not give secret \"{name}\""))
        }),
    }
}

/// Sees a started program to its end. Time counts only while it is not paused.
pub(crate) async fn follow(
    mut started: Started,
    step: &Prepared,
    output: Output,
    control: &mut watch::Receiver<Control>,
    whole: &mut Stopwatch,
    grace: Duration,
) -> (Ended, Output) {
    let output = Arc::new(Mutex::new(output));
    let mut readers = JoinSet::new();
    if let Some(stream) = started.child.stdout.take() {
        readers.spawn(read(stream, Stream::Output, output.clone()));
    }
    if let Some(stream) = started.child.stderr.take() {
        readers.spawn(read(stream, Stream::Error, output.clone()));
    }
    let mut writer = JoinSet::new();
    if let (Some(mut stdin), Some(input)) = (started.child.stdin.take(), started.input.take()) {
        writer.spawn(async move {
            // A program that does not want its input closes it; that is its right.
            let _ = stdin.write_all(input.as_bytes()).await;
        });
    }

    let by = until_ended(&started.group, step.limit, control, whole, grace).await;
    started.group.end_rest(grace).await;
    // Before they are read no further, the readers get to the end of what was written.
    let _ = timeout(DRAIN, async {
        while readers.join_next().await.is_some() {}
    })
    .await;
    readers.shutdown().await;
    writer.shutdown().await;

    let end = match (started.child.wait().await, &by) {
        (_, Some(Ending::TimedOut { .. })) => StepEnd::TimedOut,
        (_, Some(Ending::Stopped(_) | Ending::Interrupted)) => StepEnd::Stopped,
        (Ok(status), None) => match (status.code(), status.signal()) {
            (Some(code), _) => StepEnd::Exited(code),
            (None, signal) => StepEnd::Signalled(signal.unwrap_or_default()),
        },
        (Err(cause), None) => StepEnd::NotStarted(format!("its end was not seen: {cause}")),
    };
    let output = std::mem::replace(
        &mut *output.lock().unwrap_or_else(PoisonError::into_inner),
        Output::nothing(),
    );
    (Ended { end, by }, output)
}

/// Waits for the leader's end, and brings it about when time is up or somebody wants it.
async fn until_ended(
    group: &Group,
    limit: Option<Duration>,
    control: &mut watch::Receiver<Control>,
    whole: &mut Stopwatch,
    grace: Duration,
) -> Option<Ending> {
    let mut own = limit.map(Stopwatch::new);
    if let Some(own) = &mut own {
        own.go();
    }
    loop {
        let step_is_up = async {
            match &own {
                Some(own) => own.up().await,
                None => std::future::pending().await,
            }
        };
        let by = tokio::select! {
            () = group.leader_ended() => return None,
            () = whole.up() => Ending::TimedOut { seconds: whole.seconds() },
            () = step_is_up => Ending::TimedOut { seconds: own.as_ref().map_or(0, Stopwatch::seconds) },
            wanted = Control::next(control) => match wanted {
                Control::Run => {
                    group.signal(Signal::CONT);
                    whole.go();
                    if let Some(own) = &mut own { own.go() }
                    continue;
                }
                Control::Pause => {
                    group.signal(Signal::STOP);
                    whole.halt();
                    if let Some(own) = &mut own { own.halt() }
                    continue;
                }
                Control::Stop(cause) => Ending::Stopped(cause),
                Control::Interrupt => Ending::Interrupted,
            }
        };
        group.end(grace).await;
        return Some(by);
    }
}

async fn read(mut stream: impl AsyncRead + Unpin, which: Stream, output: Arc<Mutex<Output>>) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(length @ 1..) = stream.read(&mut buffer).await {
        let bytes = buffer.get(..length).unwrap_or_default();
        output
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take(which, bytes);
    }
}
