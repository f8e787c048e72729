//! Watching a run until it ends: bars on a terminal, lines elsewhere, JSON for programs.

mod bars;

use crate::client::{ClientError, path};
use crate::command::Context;
use crate::failure::Failure;
use crate::output::{Output, Tint, cell, clean, number, word};
use bars::Bars;
use muster_api::run::{DeliveryView, RunView};
use muster_domain::delivery::DeliveryState;
use serde::Deserialize as _;
use serde_json::Value;
use std::io::{self, IsTerminal as _};
use std::time::Duration;

/// Devices with a bar of their own.
const MOST_DEVICES: usize = 15;
/// Deliveries that are told of when a run has ended.
const MOST_TOLD: usize = 20;
/// How often bars of devices are brought up to date.
const DEVICE_PERIOD: Duration = Duration::from_secs(1);

/// How long a link that breaks is tried again.
#[derive(Debug)]
pub(crate) struct Patience {
    tries: u32,
}

impl Patience {
    const MOST_TRIES: u32 = 10;

    pub(crate) fn new() -> Self {
        Self { tries: 0 }
    }

    /// There was news, so the link is good.
    pub(crate) fn renew(&mut self) {
        self.tries = 0;
    }

    /// Waits before the next try, twice as long each time up to 16 s; fails when it has been
    /// enough, or when trying again cannot help.
    pub(crate) async fn wait(
        &mut self,
        out: &Output,
        lost: Option<ClientError>,
    ) -> Result<(), Failure> {
        if let Some(error) = lost {
            if !error.may_pass() || self.tries >= Self::MOST_TRIES {
                return Err(error.into());
            }
            out.note(&format!("{}; trying again", clean(&error.to_string())));
        }
        let seconds = 1 << self.tries.min(4);
        self.tries += 1;
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        Ok(())
    }
}

/// Watches a run until it has ended. Fails if it was not done on some device.
pub(crate) async fn watch(context: &Context, run: i64, devices: bool) -> Result<(), Failure> {
    let watched = tokio::select! {
        ended = until_finished(context, run, devices) => ended?,
        _ = tokio::signal::ctrl_c() => {
            context.out.note(&format!("\nRun {run} goes on; `muster run watch {run}` looks again."));
            // As if the signal had ended the program, which a shell then knows.
            std::process::exit(130);
        }
    };
    if !context.out.is_json() {
        summary(context, &watched).await?;
    }
    let not_done = not_done(&watched);
    if not_done == 0 {
        return Ok(());
    }
    Err(Failure::NotDone {
        run,
        devices: not_done,
        total: watched.total,
    })
}

/// Devices on which the task was not done, for good.
fn not_done(run: &RunView) -> u64 {
    let done = [DeliveryState::Succeeded, DeliveryState::Warning];
    let failed = |state: &DeliveryState| state.is_final() && !done.contains(state);
    run.counts
        .iter()
        .filter(|(state, _)| failed(state))
        .map(|(_, count)| count)
        .sum()
}

async fn until_finished(context: &Context, run: i64, devices: bool) -> Result<RunView, Failure> {
    let run_path = path(&["runs", &run.to_string()]);
    let mut display = Display::new(context, devices);
    let mut patience = Patience::new();
    loop {
        let lost = match context
            .client
            .stream(&format!("{run_path}/stream"), &vec![])
            .await
        {
            Ok(mut stream) => loop {
                let next = tokio::select! {
                    next = stream.next() => next,
                    () = display.device_tick() => {
                        display.show_devices(context, &run_path).await?;
                        continue;
                    }
                };
                match next {
                    Ok(Some(event)) if event.name == "run" => {
                        patience.renew();
                        let raw = context.client.read(&event)?;
                        if let Some(ended) = display.show(context, &raw)? {
                            return Ok(ended);
                        }
                    }
                    Ok(Some(_)) => {}
                    Ok(None) => break None,
                    Err(error) => break Some(error),
                }
            },
            Err(error) => Some(error),
        };
        patience.wait(&context.out, lost).await?;
    }
}

/// How a run is shown while it is watched.
enum Display {
    Json,
    Lines {
        last: String,
    },
    Bars {
        bars: Box<Bars>,
        devices: Option<tokio::time::Interval>,
    },
}

impl Display {
    fn new(context: &Context, devices: bool) -> Self {
        if context.out.is_json() {
            Self::Json
        } else if io::stderr().is_terminal() {
            let devices = devices.then(|| tokio::time::interval(DEVICE_PERIOD));
            Self::Bars {
                bars: Box::new(Bars::new(context.out.colors())),
                devices,
            }
        } else {
            Self::Lines {
                last: String::new(),
            }
        }
    }

    /// Shows where the run stands, and gives it back when it has ended.
    fn show(&mut self, context: &Context, raw: &Value) -> Result<Option<RunView>, Failure> {
        let view = RunView::deserialize(raw).map_err(|cause| {
            context
                .client
                .not_understood("the stream of a run", &cause.to_string())
        })?;
        match self {
            Self::Json => context.out.json_line(raw)?,
            Self::Lines { last } => {
                let line = line(&view);
                if line != *last {
                    context.out.text(&line)?;
                    *last = line;
                }
            }
            Self::Bars { bars, .. } => bars.show(&view),
        }
        Ok(view.state.is_final().then(|| {
            if let Self::Bars { bars, .. } = self {
                bars.clear();
            }
            view
        }))
    }

    /// The next moment to look at devices; never where they are not shown.
    async fn device_tick(&mut self) {
        match self {
            Self::Bars {
                devices: Some(devices),
                ..
            } => {
                devices.tick().await;
            }
            _ => std::future::pending().await,
        }
    }

    async fn show_devices(&mut self, context: &Context, run_path: &str) -> Result<(), Failure> {
        let Self::Bars { bars, .. } = self else {
            return Ok(());
        };
        let query = vec![("state", DeliveryState::Running.to_string())];
        let path = format!("{run_path}/deliveries");
        match context.client.list(&path, &query, Some(MOST_DEVICES)).await {
            Ok(answer) => bars.show_devices(answer.view::<Vec<DeliveryView>>()?),
            // The stream tells what is wrong with the link.
            Err(error) if error.may_pass() => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}

/// Where a run stands, on one line.
pub(crate) fn line(run: &RunView) -> String {
    let counts = counts(run);
    let separator = if counts.is_empty() { "" } else { ": " };
    format!(
        "run {} {} {} %{separator}{counts}",
        run.id,
        word(&run.state),
        run.percent
    )
}

/// `3 running, 12 succeeded`: states in the order in which a delivery passes them.
pub(crate) fn counts(run: &RunView) -> String {
    let some = run.counts.iter().filter(|(_, count)| **count > 0);
    some.map(|(state, count)| format!("{count} {state}"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// The colour of a state.
pub(crate) fn tint(state: DeliveryState) -> Tint {
    match state {
        DeliveryState::Succeeded => Tint::Good,
        DeliveryState::Warning | DeliveryState::Unknown => Tint::Attention,
        DeliveryState::Failed
        | DeliveryState::TimedOut
        | DeliveryState::Cancelled
        | DeliveryState::NotSupported
        | DeliveryState::Missed => Tint::Bad,
        _ => Tint::None,
    }
}

/// Tells how a run ended, and of the devices where somebody should look.
async fn summary(context: &Context, run: &RunView) -> Result<(), Failure> {
    let took = run
        .finished_at
        .map(|at| at.duration_since(run.started_at).as_secs());
    let took = took
        .and_then(|took| u64::try_from(took).ok())
        .map(crate::time::seconds);
    let took = took
        .map(|took| format!(" after {took}"))
        .unwrap_or_default();
    context.out.text(&format!(
        "Run {} ({}) ended{took}: {}",
        run.id,
        run.task_name,
        counts(run)
    ))?;
    let path = path(&["runs", &run.id.to_string(), "deliveries"]);
    let mut told: Vec<DeliveryView> = Vec::new();
    let look = run
        .counts
        .iter()
        .filter(|(state, count)| tint(**state) != Tint::Good && **count > 0);
    let mut look: Vec<DeliveryState> = look.map(|(state, _)| *state).collect();
    if run.total <= MOST_TOLD as u64 {
        look = run.counts.keys().copied().collect();
    }
    for state in look {
        let query = vec![("state", state.to_string())];
        let more = context.client.list(&path, &query, Some(MOST_TOLD)).await?;
        told.extend(more.view::<Vec<DeliveryView>>()?);
    }
    let more = told.len().saturating_sub(MOST_TOLD);
    told.truncate(MOST_TOLD);
    if !told.is_empty() {
        deliveries(&context.out, told)?;
    }
    if more > 0 {
        context.out.note(&format!(
            "and more; `muster run show {} --devices` shows all",
            run.id
        ));
    }
    Ok(())
}

/// Prints deliveries as a table.
pub(crate) fn deliveries(out: &Output, deliveries: Vec<DeliveryView>) -> Result<(), Failure> {
    let rows = deliveries.into_iter().map(|delivery| {
        let percent = delivery
            .percent
            .map(|percent| format!(" {percent} %"))
            .unwrap_or_default();
        let restart = if delivery.needs_restart {
            ", needs a restart"
        } else {
            ""
        };
        let said = [delivery.summary, delivery.cause_text, delivery.message];
        let said: Vec<String> = said.into_iter().flatten().collect();
        vec![
            number(delivery.device),
            cell(delivery.device_name),
            cell(format!("{}{percent}{restart}", delivery.state)).tint(tint(delivery.state)),
            cell(
                delivery
                    .changed_at
                    .map(|at| out.clock.short(at))
                    .unwrap_or_default(),
            ),
            cell(said.join("; ")),
        ]
    });
    out.table(
        &["ID", "DEVICE", "STATE", "CHANGED", ""],
        rows.collect(),
        "No such deliveries.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn run(counts: &Value) -> RunView {
        RunView::deserialize(json!({
            "id": 4, "task": 2, "task_name": "Nightly", "revision": 1, "state": "running",
            "total": 10, "counts": counts, "percent": 42, "started_at": "2026-11-24T13:05:09Z",
            "started_by": "administrator:admin", "finished_at": null
        }))
        .unwrap()
    }

    #[test]
    fn a_run_is_one_line_with_its_states_in_order() {
        let run = run(&json!({"succeeded": 4, "pending": 5, "running": 1, "failed": 0}));
        assert_eq!(
            line(&run),
            "run 4 running 42 %: 5 pending, 1 running, 4 succeeded"
        );
    }

    #[test]
    fn warnings_are_done_and_silence_is_not_the_end() {
        assert_eq!(
            not_done(&run(&json!({"succeeded": 4, "warning": 2, "unknown": 3}))),
            0
        );
        assert_eq!(
            not_done(&run(&json!({"failed": 1, "timed-out": 2, "cancelled": 3}))),
            6
        );
    }
}
