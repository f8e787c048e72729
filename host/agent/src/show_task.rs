//! What the device's user is shown of the tasks that start by themselves here: from the local store, so
//! also while the server is away or the agent does not run.

use super::show::{Output, look, printable};
use super::show_edit;
use anyhow::Context as _;
use jiff::Timestamp;
use muster_agent::identity::Identity;
use muster_agent::schedule::upcoming::upcoming;
use muster_agent::schedule::{windows, zone::DeviceZone};
use muster_agent::store::assignment::{self, Kept, State};
use muster_agent::store::delivery::{self, Delivery};
use muster_agent::store::{Store, command};
use muster_agent_protocol::message::End;
use muster_domain::schedule::window::Window;
use muster_domain::text::escaped;
use muster_domain::{DeviceId, TaskId};
use serde_json::{Value, json};
use std::path::Path;
use std::process::ExitCode;

/// So many of the next starts are shown.
const NEXT: usize = 5;

/// What is asked for.
#[derive(clap::Subcommand)]
pub(crate) enum TaskCommand {
    /// List the tasks that start by themselves on this device
    List,
    /// Show a task: what it is, its schedule and its next five starts
    Show {
        /// Its number, or its name
        task: String,
    },
    /// Say why a task is waiting: its occurrences that are open and what each waits for, whether it is
    /// held, which window is open or opens next, and when it starts next
    Explain {
        /// Its number, or its name
        task: String,
    },
    /// Show what was asked of the server, and what became of it, the latest first
    Changes {
        /// A task's number or name; all tasks if left out
        task: Option<String>,
        /// At most so many
        #[arg(short = 'n', long, default_value_t = 50)]
        number: u32,
    },
    #[command(flatten)]
    Ask(super::ask_task::AskCommand),
    /// Show what became of a task's occurrences, the latest first
    History {
        /// Its number, or its name; the number also of a task that is no longer this device's
        task: String,
        /// At most so many
        #[arg(short = 'n', long, default_value_t = 50)]
        number: u32,
    },
}

/// What the store has, and how to put it.
pub(crate) struct Desk {
    pub(crate) store: Store,
    pub(crate) output: Output,
    device: DeviceId,
    windows: Vec<Window>,
}

pub(crate) async fn act(
    data: &Path,
    output: Output,
    command: TaskCommand,
) -> anyhow::Result<ExitCode> {
    let Some(store) = look(data).await? else {
        anyhow::bail!("the agent has not run on this device yet; start it with `muster-agent run`");
    };
    let windows = assignment::windows(&mut *store.acquire().await?).await?;
    let desk = Desk {
        store,
        output,
        device: Identity::read(data)?.device,
        windows: windows.map_or(Vec::new(), |(_, windows)| windows),
    };
    match command {
        TaskCommand::Changes { task, number } => desk.changes(task.as_deref(), number).await?,
        // Whoever calls takes these by themselves.
        TaskCommand::Ask(_) => {}
        TaskCommand::List => desk.list().await?,
        TaskCommand::Show { task } => desk.show(&desk.task(&task).await?).await?,
        TaskCommand::Explain { task } => desk.explain(&desk.task(&task).await?).await?,
        TaskCommand::History { task, number } => {
            let id = match task.parse() {
                Ok(id) => id,
                Err(_) => desk.task(&task).await?.task,
            };
            desk.history(id, number).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl Desk {
    pub(crate) async fn task(&self, wanted: &str) -> anyhow::Result<Kept> {
        let tasks = assignment::list(&mut *self.store.acquire().await?).await?;
        let number = wanted.parse::<TaskId>().ok();
        let named = |task: &Kept| {
            let assigned = task.assigned.as_ref();
            assigned.is_some_and(|assigned| assigned.task_name == wanted)
        };
        let mut found: Vec<_> = tasks
            .into_iter()
            .filter(|task| number == Some(task.task) || named(task))
            .collect();
        let one = found.pop().with_context(|| {
            format!(
                "no task \"{}\" stands for this device; `muster-agent task list` shows those that do",
                printable(wanted)
            )
        })?;
        if found.is_empty() {
            Ok(one)
        } else {
            anyhow::bail!(
                "several tasks are named \"{}\"; write the number",
                printable(wanted)
            )
        }
    }

    async fn list(&self) -> anyhow::Result<()> {
        let mut connection = self.store.acquire().await?;
        let mut tasks = Vec::new();
        for kept in assignment::list(&mut connection).await? {
            let last = delivery::of_task(&mut connection, kept.task, 1).await?;
            let assigned = kept.assigned.as_ref();
            let next = self.next(&kept, 1);
            tasks.push(json!({
                "task": kept.task,
                "name": assigned.map(|assigned| &assigned.task_name),
                "type": assigned.map(|assigned| &assigned.task_type),
                "application": assigned.map(|assigned| &assigned.application),
                "state": kept.state.as_str(),
                "next": next.first().and_then(|next| next.get("starts").cloned()),
                "last": last.first().map(|last| became(last).0),
            }));
        }
        tasks.extend(show_edit::new_tasks(&mut connection).await?);
        let keys = [
            "task",
            "name",
            "type",
            "application",
            "state",
            "next",
            "last",
        ];
        self.output.rows(&keys, &tasks);
        Ok(())
    }

    /// The next starts, an object each.
    fn next(&self, kept: &Kept, most: usize) -> Vec<Value> {
        let zone = zone(kept);
        let now = muster_clock::now();
        let next = upcoming(kept, self.device, &zone, &self.windows, now, most);
        let put = |next: muster_agent::schedule::upcoming::Upcoming| {
            let later = next.possible_at != Some(next.start_at);
            json!({
                "occurrence": next.occurrence,
                "starts": self.time(next.start_at, &zone),
                "held-until": later.then(|| {
                    next.possible_at.map_or(json!("no window lets it start"), |at| json!(self.time(at, &zone)))
                }),
            })
        };
        next.into_iter().map(put).collect()
    }

    /// For programs a moment; for people what the clock on the wall shows.
    pub(crate) fn time(&self, moment: Timestamp, zone: &DeviceZone) -> String {
        if self.output == Output::Json {
            return moment.to_string();
        }
        let local = moment.to_zoned_datetime(zone.rules.clone());
        local.strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
    }

    async fn show(&self, kept: &Kept) -> anyhow::Result<()> {
        let assigned = kept.assigned.as_ref();
        let mut connection = self.store.acquire().await?;
        let here = match assigned {
            Some(assigned) => command::find(&mut connection, assigned.command)
                .await?
                .is_some(),
            None => false,
        };
        let all = json!({
            "task": kept.task,
            "name": assigned.map(|assigned| &assigned.task_name),
            "revision": assigned.map(|assigned| assigned.revision),
            "type": assigned.map(|assigned| &assigned.task_type),
            "application": assigned.map(|assigned| &assigned.application),
            "state": kept.state.as_str(),
            "ready-offline": here,
            "zone": zone(kept).name,
            "done-until": self.time(kept.mark, &zone(kept)),
            "schedule": assigned.map(|assigned| &assigned.schedule),
            "settings": assigned.and_then(|assigned| assigned.local.as_ref()).map(|local| &local.settings),
            "next": self.next(kept, NEXT),
            "changes": show_edit::of_task(&mut connection, kept.task).await?,
        });
        self.put(&all);
        Ok(())
    }

    async fn explain(&self, kept: &Kept) -> anyhow::Result<()> {
        let mut connection = self.store.acquire().await?;
        let (mut open, mut reasons) = (Vec::new(), Vec::new());
        for delivery in delivery::of_task(&mut connection, kept.task, 2000).await? {
            if delivery.state != delivery::State::Ended {
                open.push(self.occurrence(&delivery, kept));
            }
        }
        if let State::Held(cause) = &kept.state {
            let cause = cause.as_ref().map(|cause| format!(": {cause}"));
            reasons.push(format!("The task is held{}.", cause.unwrap_or_default()));
        }
        let zone = zone(kept);
        let now = muster_clock::now();
        if let Some((cause, _)) = windows::hold(&self.windows, &zone, now) {
            reasons.push(format!("Nothing may start on this device now: {cause}."));
        }
        reasons.extend(show_edit::waiting(&mut connection, kept.task).await?);
        let next = self.next(kept, NEXT);
        if let Some(assigned) = &kept.assigned {
            if command::find(&mut connection, assigned.command)
                .await?
                .is_none()
            {
                let text = "The server has not sent yet what is to be carried out.";
                reasons.push(text.to_owned());
            }
            if kept.state == State::Active && next.is_empty() {
                let text = "No start can be told beforehand: the schedule is over, or waits for \
                            something to happen.";
                reasons.push(text.to_owned());
            }
        }
        let all = json!({
            "task": kept.task,
            "name": kept.assigned.as_ref().map(|assigned| &assigned.task_name),
            "state": kept.state.as_str(),
            "open": open,
            "reasons": reasons,
            "next": next,
        });
        self.put(&all);
        Ok(())
    }

    async fn history(&self, task: TaskId, most: u32) -> anyhow::Result<()> {
        let mut connection = self.store.acquire().await?;
        let kept = assignment::find(&mut connection, task).await?;
        let kept = kept.with_context(|| format!("no task {task} ever stood for this device"))?;
        let all = delivery::of_task(&mut connection, task, most).await?;
        let list: Vec<_> = all.iter().map(|one| self.occurrence(one, &kept)).collect();
        let keys = [
            "occurrence",
            "run",
            "due",
            "began",
            "state",
            "why",
            "attempts",
        ];
        self.output.rows(&keys, &list);
        if self.output == Output::Table {
            self.changes_of(&mut connection, task).await?;
        }
        Ok(())
    }

    fn occurrence(&self, delivery: &Delivery, kept: &Kept) -> Value {
        let zone = zone(kept);
        let own = delivery.occurrence.as_ref();
        let time = |moment: Option<Timestamp>| moment.map(|moment| self.time(moment, &zone));
        let (state, why) = became(delivery);
        json!({
            "occurrence": own.map(|own| own.name),
            "run": delivery.order.run,
            "due": time(own.map(|own| own.due_at)),
            "began": time(own.and_then(|own| own.began_at)),
            "state": state,
            "why": why,
            "attempts": delivery.attempt,
            "cause": delivery.stopped.as_ref().or(delivery.cause.as_ref()),
        })
    }

    /// Prints one object: as it is, or a line for each key and each entry of a list.
    fn put(&self, all: &Value) {
        if self.output == Output::Json {
            println!("{}", escaped(&all.to_string()));
            return;
        }
        for (key, value) in all.as_object().into_iter().flatten() {
            match value {
                Value::Array(list) if list.is_empty() => println!("{key:14} none"),
                Value::Array(list) => {
                    for entry in list {
                        println!("{key:14} {}", sentence(entry));
                    }
                }
                other => println!("{key:14} {}", sentence(other)),
            }
        }
    }
}

fn sentence(value: &Value) -> String {
    let text = |key: &str| match value.get(key) {
        Some(Value::String(text)) => Some(printable(text)),
        _ => None,
    };
    match value {
        Value::String(plain) => printable(plain),
        Value::Null => "-".into(),
        Value::Object(_) if text("change").is_some() => show_edit::line(value),
        Value::Object(_) if text("starts").is_some() => {
            let held = text("held-until").map(|until| format!(", held until {until}"));
            format!(
                "{}{}",
                text("starts").unwrap_or_default(),
                held.unwrap_or_default()
            )
        }
        Value::Object(_) if text("occurrence").is_some() => {
            let why = text("why").map(|why| format!(": {why}"));
            let (name, state) = (text("occurrence"), text("state"));
            format!(
                "{} {}{}",
                name.unwrap_or_default(),
                state.unwrap_or_default(),
                why.unwrap_or_default()
            )
        }
        other => printable(&other.to_string()),
    }
}

/// The zone that the agent found last: this program's user may have another one.
fn zone(kept: &Kept) -> DeviceZone {
    DeviceZone::named(&kept.zone).unwrap_or_else(DeviceZone::find)
}

/// What became of a delivery so far: a word, and why.
pub(crate) fn became(delivery: &Delivery) -> (&'static str, Option<String>) {
    if let Some(cause) = delivery.missed() {
        return ("missed", Some(cause.to_string()));
    }
    match &delivery.end {
        None => (
            delivery.state.as_str(),
            delivery.cause.as_ref().map(ToString::to_string),
        ),
        Some(End::Completed) => ("completed", None),
        Some(End::TimedOut { seconds }) => (
            "timed-out",
            Some(format!("over its time limit of {seconds} s")),
        ),
        Some(End::Stopped { cause }) => ("stopped", Some(cause.to_string())),
        Some(End::Refused { reason }) => ("refused", Some(reason.clone())),
    }
}
