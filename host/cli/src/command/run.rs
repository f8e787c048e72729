//! Runs: list, show, watch, stop, run again, pause, resume.

use crate::client::{Query, path};
use crate::command::Context;
use crate::command::task::find;
use crate::failure::Failure;
use crate::output::{Cell, Tint, cell, number, word};
use crate::watch;
use clap::{Args, Subcommand};
use muster_api::run::{DeliveryView, RolloutView, RunAgain, RunView, WaveView};
use muster_domain::delivery::DeliveryState;
use muster_domain::run::RunState;
use muster_domain::text::counted;

#[derive(Debug, Subcommand)]
pub(crate) enum Run {
    /// List runs
    List {
        /// Only those of this task, by number or name
        #[arg(long)]
        task: Option<String>,
        /// At most so many
        #[arg(long, short = 'n', value_name = "N", default_value_t = 50)]
        limit: usize,
    },
    /// Show a run
    Show(Show),
    /// Watch a run until it ends
    Watch {
        /// Its number
        run: i64,
        /// Show running devices too
        #[arg(long)]
        devices: bool,
    },
    /// Stop a run; devices that are at it end it
    Stop {
        /// Its number
        run: i64,
    },
    /// Run its task again, on the devices on which it failed
    Again {
        /// Its number
        run: i64,
        /// On those in this state instead; may be given several times
        #[arg(long = "state", value_name = "STATE")]
        states: Vec<DeliveryState>,
    },
    /// Pause a run; devices that are at it stand still
    Pause {
        /// Its number
        run: i64,
    },
    /// Let a paused run go on
    Resume {
        /// Its number
        run: i64,
    },
    /// Let its rollout go on: the next wave begins, or errors so far are excused
    Continue {
        /// Its number
        run: i64,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Its number
    run: i64,
    /// Show its deliveries, device by device; as JSON, they come in place of the run
    #[arg(long)]
    devices: bool,
    /// Show deliveries in this state alone, such as failed
    #[arg(long)]
    state: Option<DeliveryState>,
    /// At most so many deliveries
    #[arg(long, short = 'n', value_name = "N")]
    limit: Option<usize>,
}

impl Run {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::List { task, limit } => list(context, task, limit).await,
            Self::Show(wish) => show(context, wish).await,
            Self::Watch { run, devices } => {
                // A run that is not there is told before anything is drawn.
                context
                    .client
                    .get(&path(&["runs", &run.to_string()]), &vec![])
                    .await?;
                watch::watch(context, run, devices).await
            }
            Self::Stop { run } => act(context, run, "stop").await,
            Self::Again { run, states } => again(context, run, states).await,
            Self::Pause { run } => act(context, run, "pause").await,
            Self::Resume { run } => act(context, run, "resume").await,
            Self::Continue { run } => act(context, run, "continue").await,
        }
    }
}

async fn again(context: &Context, run: i64, states: Vec<DeliveryState>) -> Result<(), Failure> {
    let path = path(&["runs", &run.to_string(), "again"]);
    let body = RunAgain {
        states: (!states.is_empty()).then_some(states),
    };
    let answer = context.client.post(&path, &body).await?;
    if context.out.is_json() {
        return context.out.json(&answer.raw);
    }
    let run: RunView = answer.view()?;
    let devices = counted(run.total, "device");
    context.out.text(&format!(
        "Started run {} of {} on {devices}.",
        run.id, run.task_name
    ))
}

async fn list(context: &Context, task: Option<String>, limit: usize) -> Result<(), Failure> {
    let mut query: Query<'_> = Vec::new();
    if let Some(task) = task {
        query.push(("task", find(context, &task).await?.to_string()));
    }
    let answer = context.client.list("/runs", &query, Some(limit)).await?;
    if context.out.is_json() {
        return context.out.json(&answer.raw);
    }
    let runs: Vec<RunView> = answer.view()?;
    let rows = runs.into_iter().map(|run| {
        vec![
            number(run.id),
            cell(run.task_name.clone()),
            cell(word(&run.state)).tint(tint(run.state)),
            cell(format!("{} %", run.percent)),
            cell(context.out.clock.short(run.started_at)),
            cell(watch::counts(&run)),
        ]
    });
    let header = ["ID", "TASK", "STATE", "DONE", "STARTED", "DEVICES"];
    context.out.table(
        &header,
        rows.collect(),
        "No runs; `muster task start TASK` starts one.",
    )
}

fn tint(state: RunState) -> Tint {
    match state {
        RunState::Running => Tint::Good,
        RunState::Paused | RunState::Stopping => Tint::Attention,
        RunState::Finished => Tint::None,
    }
}

async fn show(context: &Context, wish: Show) -> Result<(), Failure> {
    let run_path = path(&["runs", &wish.run.to_string()]);
    let answer = context.client.get(&run_path, &vec![]).await?;
    let devices = wish.devices || wish.state.is_some();
    if context.out.is_json() && !devices {
        return context.out.json(&answer.raw);
    }
    let mut query: Query<'_> = Vec::new();
    query.extend(wish.state.map(|state| ("state", state.to_string())));
    let deliveries = if devices {
        let path = format!("{run_path}/deliveries");
        Some(context.client.list(&path, &query, wish.limit).await?)
    } else {
        None
    };
    if let Some(deliveries) = deliveries.as_ref().filter(|_| context.out.is_json()) {
        return context.out.json(&deliveries.raw);
    }
    let run: RunView = answer.view()?;
    let mut fields = vec![
        ("id", cell(run.id.to_string())),
        (
            "task",
            cell(format!(
                "{} ({}, revision {})",
                run.task_name, run.task, run.revision
            )),
        ),
        ("state", cell(word(&run.state)).tint(tint(run.state))),
        ("done", cell(format!("{} %", run.percent))),
        (
            "devices",
            cell(format!("{} in all: {}", run.total, watch::counts(&run))),
        ),
        ("started", cell(context.out.clock.long(run.started_at))),
        ("by", cell(run.started_by)),
    ];
    fields.extend(
        run.finished_at
            .map(|at| ("finished", cell(context.out.clock.long(at)))),
    );
    if let Some(rollout) = &run.rollout {
        fields.extend(waves(rollout));
    }
    context.out.fields(fields)?;
    let Some(deliveries) = deliveries else {
        return Ok(());
    };
    context.out.text("")?;
    watch::deliveries(&context.out, deliveries.view::<Vec<DeliveryView>>()?)
}

fn waves(rollout: &RolloutView) -> Vec<(&'static str, Cell)> {
    let line = |(place, wave): (u32, &WaveView)| {
        let at_it = if place == rollout.wave { ", at it" } else { "" };
        let text = format!(
            "{place}: {}, {} begun, {} ended, {} of them in error{at_it}",
            counted(wave.devices, "device"),
            wave.begun,
            wave.ended,
            wave.errors
        );
        ("wave", cell(text))
    };
    let mut lines: Vec<_> = (1..).zip(&rollout.waves).map(line).collect();
    let hold = rollout.hold_text.clone();
    lines.extend(hold.map(|hold| ("next", cell(hold).tint(Tint::Attention))));
    lines
}

async fn act(context: &Context, run: i64, action: &str) -> Result<(), Failure> {
    let path = path(&["runs", &run.to_string(), action]);
    let answer = context.client.post(&path, &serde_json::json!({})).await?;
    if context.out.is_json() {
        return context.out.json(&answer.raw);
    }
    context
        .out
        .text(&format!("{}.", capital(&watch::line(&answer.view()?))))
}

/// A sentence begins with a capital letter.
pub(crate) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}
