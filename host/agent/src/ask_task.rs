//! What the device's user asks for: over the agent's socket, or straight into the local store while the
//! agent does not run.

use super::Common;
use super::show::{Output, printable};
use anyhow::Context as _;
use muster_agent::identity::Identity;
use muster_agent::schedule::zone::DeviceZone;
use muster_agent::store::{Store, StoreLocation};
use muster_agent::user::act::settings_of;
use muster_agent::user::socket::{self, user_name};
use muster_agent::user::{self, Desk, Done, Request};
use muster_domain::text::escaped;
use muster_domain::user::NewLocalTask;
use muster_domain::{ApplicationId, TaskTypeId};
use serde_json::{Value, json};
use std::io::Read as _;
use std::process::ExitCode;
use std::time::Duration;

/// Looks for an agent that has just been started, and the pause between them.
const MOST_TRIES: u32 = 50;
const PAUSE: Duration = Duration::from_millis(100);

/// What is asked for.
#[derive(clap::Subcommand)]
pub(crate) enum AskCommand {
    /// Ask for a task of your own
    ///
    /// It goes to the server, which checks it as it checks an administrator's and puts it into this
    /// device's terms. Until then, also while the server is away, `task list` shows it as
    /// waiting-for-server. What the server says of it is in `task changes`.
    ///
    ///     echo '{"area": "paths", "paths": ["/home"]}' | muster-agent task create "my scan" --application net.clamav.clamav --type scan --settings -
    #[command(verbatim_doc_comment)]
    Create {
        /// Its name
        name: String,
        /// The application that it is for, such as net.clamav.clamav
        #[arg(long, value_name = "ID")]
        application: ApplicationId,
        /// What it does, such as scan
        #[arg(long = "type", value_name = "TYPE")]
        task_type: TaskTypeId,
        /// A file with its settings, a JSON object; - for standard input. Without it there are none
        #[arg(long, value_name = "FILE")]
        settings: Option<String>,
        /// When it starts by itself: JSON, or @FILE
        #[arg(long, value_name = "JSON")]
        schedule: Option<String>,
        /// Seconds after which it is stopped; the task type's own limit if left out
        #[arg(long, value_name = "SECONDS")]
        time_limit: Option<u32>,
    },
    /// Change a local task: one of your own, or one that an administrator made for this device alone
    ///
    /// Name, schedule and time limit hold at once, other settings as soon as the server has put them into
    /// this device's terms. If an administrator changes the same meanwhile, the administrator's change
    /// holds, and `task changes` shows what is lost.
    Change {
        /// Its number, or its name
        task: String,
        /// Another name
        #[arg(long)]
        name: Option<String>,
        /// A file with all its settings, a JSON object; - for standard input
        #[arg(long, value_name = "FILE")]
        settings: Option<String>,
        /// Another schedule: JSON, or @FILE
        #[arg(long, value_name = "JSON", conflicts_with = "no_schedule")]
        schedule: Option<String>,
        /// No schedule any more
        #[arg(long)]
        no_schedule: bool,
        /// Seconds after which it is stopped
        #[arg(long, value_name = "SECONDS")]
        time_limit: Option<u32>,
    },
    /// Delete a task of your own
    Delete {
        /// Its number, or its name
        task: String,
    },
    /// Start a task now
    Start {
        /// Its number, or its name
        task: String,
    },
    /// Stop what is under way of a task
    Stop {
        /// Its number, or its name
        task: String,
    },
}

pub(crate) async fn act(
    common: &Common,
    output: Output,
    command: AskCommand,
) -> anyhow::Result<ExitCode> {
    let request = request(command)?;
    let path = common.config()?.user_socket.path;
    let mut tries = 0;
    let done = loop {
        if let Some(answer) = socket::ask(&path, &request).await? {
            break answer.map_err(anyhow::Error::msg)?;
        }
        if let Some(lock) = super::try_lock(&common.data)? {
            let done = without_agent(common, request).await;
            drop(lock);
            break done?;
        }
        // It may have been started this moment.
        tries += 1;
        anyhow::ensure!(
            tries < MOST_TRIES,
            "the agent runs and takes no requests at {}; its own log says why",
            path.display()
        );
        tokio::time::sleep(PAUSE).await;
    };
    if output == Output::Json {
        println!("{}", escaped(&json!(done).to_string()));
    } else {
        println!("{}", printable(&done.text));
    }
    Ok(ExitCode::SUCCESS)
}

/// Straight into the store, which the agent finds when it is started. The caller has its lock.
async fn without_agent(common: &Common, request: Request) -> anyhow::Result<Done> {
    let data = &common.data;
    let identity = Identity::read(data)?;
    let location = StoreLocation::Folder(data.clone());
    let store = Store::open(&location, &identity.owner(), false).await?;
    let desk = Desk {
        store: &store,
        device: identity.device,
        zone: &DeviceZone::find(),
        user: &user_name(rustix::process::getuid().as_raw()),
    };
    let done = user::act(desk, request).await;
    store.close().await;
    let mut done = done?;
    done.text
        .push_str(" The agent does not run; it goes on when it is started.");
    Ok(done)
}

fn request(command: AskCommand) -> anyhow::Result<Request> {
    Ok(match command {
        AskCommand::Create {
            name,
            application,
            task_type,
            settings,
            schedule,
            time_limit,
        } => {
            let settings = match settings {
                Some(file) => settings_of(&text_of(&file)?)?,
                None => settings_of("{}")?,
            };
            let task = NewLocalTask {
                name,
                application,
                task_type,
                settings,
                schedule: schedule.as_deref().map(schedule_of).transpose()?,
                time_limit,
            };
            Request::Create { task }
        }
        AskCommand::Change {
            task,
            name,
            settings,
            schedule,
            no_schedule,
            time_limit,
        } => {
            let settings = match settings {
                Some(file) => Some(settings_of(&text_of(&file)?)?.to_value()),
                None => None,
            };
            let schedule = match schedule {
                Some(schedule) => Some(Some(schedule_of(&schedule)?)),
                None => no_schedule.then_some(None),
            };
            Request::Change {
                task,
                name,
                settings,
                schedule,
                time_limit,
            }
        }
        AskCommand::Delete { task } => Request::Delete { task },
        AskCommand::Start { task } => Request::Start { task },
        AskCommand::Stop { task } => Request::Stop { task },
    })
}

fn text_of(file: &str) -> anyhow::Result<String> {
    let mut text = String::new();
    if file == "-" {
        std::io::stdin()
            .read_to_string(&mut text)
            .context("cannot read the settings from standard input")?;
    } else {
        text = std::fs::read_to_string(file).with_context(|| format!("cannot read {file}"))?;
    }
    Ok(text)
}

fn schedule_of(text: &str) -> anyhow::Result<Value> {
    let text = match text.strip_prefix('@') {
        Some(file) => text_of(file)?,
        None => text.to_owned(),
    };
    serde_json::from_str(&text).context("the schedule is not valid JSON")
}
