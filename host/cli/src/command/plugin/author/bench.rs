//! `muster plugin bench`: what each function costs, per call and per device, against a server's limits
//! and against a plug-in that does nothing.

use super::engine::{Engine, Guest, first_example, usual_profile};
use crate::failure::Failure;
use crate::output::{Output, Tint, cell, number};
use clap::Args;
use muster_domain::application::TaskType;
use muster_domain::profile::{Profile, ProfileCount};
use muster_domain::report::{Report, StepEnd, StepReport};
use muster_plugin_component::{NOTHING, nothing};
use muster_plugin_harness::{AskError, Function};
use serde::Serialize;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Profiles in one call, as a server asks at most.
const PROFILES: u32 = 1_000;
/// Reports in one call, as a server asks at most.
const REPORTS: usize = 100;
/// From here on it is told that a call comes near to its limit.
const NEAR: f64 = 0.5;

#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// The component
    file: PathBuf,
    /// One task type alone
    #[arg(long, short = 't', value_name = "ID")]
    task_type: Option<String>,
    /// Milliseconds that each figure may take
    #[arg(long, value_name = "NUMBER", default_value_t = 300)]
    patience: u32,
}

/// What one function costs.
#[derive(Debug, Clone, Serialize)]
struct Figure {
    task_type: String,
    function: String,
    /// What was asked about in one call: profiles or reports.
    batch: usize,
    calls: usize,
    /// Microseconds of the call in the middle.
    call: f64,
    /// The same of a plug-in that does nothing.
    nothing: f64,
    /// The slowest call, in microseconds.
    slowest: f64,
    /// Microseconds that a call may take.
    limit: f64,
    /// The most memory that a call had, in bytes.
    memory: u64,
    /// Bytes that a call may have.
    memory_limit: u64,
}

impl Figure {
    /// The nearer of time and memory.
    fn of_limit(&self) -> f64 {
        #[expect(
            clippy::cast_precision_loss,
            reason = "memory has far fewer than 2^52 bytes"
        )]
        let memory = self.memory as f64 / self.memory_limit.max(1) as f64;
        (self.slowest / self.limit).max(memory)
    }

    fn per_device(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a batch has a thousand at most")]
        let devices = self.batch.max(1) as f64;
        self.call / devices
    }
}

impl Bench {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let engine = Engine::start()?;
        let guest = engine.open(&self.file)?;
        let nothing = nothing().map_err(|error| Failure::Refused(error.to_string()))?;
        let nothing = engine.open_bytes(nothing)?;
        let chosen: Vec<&TaskType> = match &self.task_type {
            Some(id) => {
                let found = guest.plugin().task_type(id);
                vec![found.map_err(|error| Failure::NotFound(error.to_string()))?]
            }
            None => guest.description().task_types.iter().collect(),
        };
        let mut figures = Vec::new();
        for task_type in chosen {
            let subject = Subject::of(&guest, &nothing, task_type, self.patience);
            figures.extend(subject.figures()?);
        }
        if out.is_json() {
            let figures: Vec<Value> = figures
                .iter()
                .map(|figure| {
                    let mut json = json!(figure);
                    if let Some(members) = json.as_object_mut() {
                        members.insert("per_device".into(), json!(figure.per_device()));
                        members.insert("ratio".into(), json!(figure.call / figure.nothing));
                        members.insert("of_limit".into(), json!(figure.of_limit()));
                    }
                    json
                })
                .collect();
            return out.json(&json!({ "microseconds": true, "figures": figures }));
        }
        tell(out, &figures)
    }
}

fn tell(out: &Output, figures: &[Figure]) -> Result<(), Failure> {
    let rows = figures.iter().map(|figure| {
        let share = figure.of_limit();
        let tint = if share > NEAR {
            Tint::Attention
        } else {
            Tint::None
        };
        vec![
            cell(figure.task_type.clone()),
            cell(match figure.batch {
                1 => figure.function.clone(),
                many => format!("{} × {many}", figure.function),
            }),
            cell(format!("{:.1}", figure.call)),
            cell(format!("{:.2}", figure.per_device())),
            cell(format!("{:.1}", figure.nothing)),
            cell(format!("{:.1} ×", figure.call / figure.nothing)),
            cell(format!("{:.1} %", share * 100.0)).tint(tint),
            number(figure.memory.div_ceil(1024)),
        ]
    });
    let header = [
        "TASK TYPE",
        "FUNCTION",
        "CALL µs",
        "DEVICE µs",
        "NOTHING µs",
        "RATIO",
        "OF LIMIT",
        "KiB",
    ];
    out.table(&header, rows.collect(), "There is no task type.")?;
    out.note(
        "A call is the one in the middle of all that were made; a fresh instance and the server's checks are in it.\n\
         NOTHING is the same call of a plug-in that does nothing. OF LIMIT is how near the slowest call came to its\n\
         time, or the largest to its memory.",
    );
    Ok(())
}

/// A task type that is measured, with the questions.
struct Subject<'a> {
    guest: &'a Guest,
    nothing: &'a Guest,
    id: &'a str,
    settings: Value,
    profile: Profile,
    patience: Duration,
}

impl<'a> Subject<'a> {
    fn of(guest: &'a Guest, nothing: &'a Guest, task_type: &'a TaskType, patience: u32) -> Self {
        Self {
            guest,
            nothing,
            id: task_type.id.as_str(),
            settings: first_example(task_type),
            profile: usual_profile(task_type, "linux"),
            patience: Duration::from_millis(patience.into()),
        }
    }

    fn figures(&self) -> Result<Vec<Figure>, Failure> {
        let mut figures = Vec::new();
        figures.push(self.figure(Function::Validate, 1, |guest, id| {
            guest.plugin().validate(id, &self.settings).map(|_| ())
        })?);
        for batch in [1, PROFILES] {
            // Profiles that differ, as those of a server do.
            let profiles: Vec<ProfileCount> = (0..batch)
                .map(|number| ProfileCount {
                    profile: Profile {
                        application_version: Some(format!("1.{number}")),
                        ..self.profile.clone()
                    },
                    devices: 1,
                })
                .collect();
            figures.push(
                self.figure(Function::Translate, profiles.len(), |guest, id| {
                    let plugin = guest.plugin();
                    plugin
                        .translate_counted(id, &self.settings, &profiles)
                        .map(|_| ())
                })?,
            );
        }
        if self.guest.plugin().has_interpret() {
            for batch in [1, REPORTS] {
                let reports = vec![self.report(); batch];
                figures.push(self.figure(Function::Interpret, batch, |guest, id| {
                    guest
                        .plugin()
                        .interpret(id, &self.settings, &reports)
                        .map(|_| ())
                })?);
            }
        }
        Ok(figures)
    }

    /// A report in which each step of the command ended well, and said nothing.
    fn report(&self) -> Report {
        let profile = ProfileCount {
            profile: self.profile.clone(),
            devices: 1,
        };
        let (answer, _) = self.guest.translate(self.id, &self.settings, &profile);
        let steps = answer
            .ok()
            .and_then(Result::ok)
            .map(|command| command.steps);
        let steps = steps
            .unwrap_or_default()
            .into_iter()
            .map(|step| StepReport {
                program: step.program,
                end: StepEnd::Exited(0),
                duration: 1,
                head: String::new(),
                tail: String::new(),
                lines: Vec::new(),
                lines_left_out: 0,
            });
        Report {
            steps: steps.collect(),
        }
    }

    fn figure(
        &self,
        function: Function,
        batch: usize,
        ask: impl Fn(&Guest, &str) -> Result<(), AskError>,
    ) -> Result<Figure, Failure> {
        let failed = |error: AskError| Failure::Fault(muster_domain::chain(&error));
        // The first call maps the code.
        ask(self.guest, self.id).map_err(failed)?;
        ask(self.nothing, NOTHING).map_err(failed)?;
        self.guest.plugin().forget_memory(function);
        let (mut own, mut nothing) = (Vec::new(), Vec::new());
        let began = Instant::now();
        // In turns, so that whatever else the machine does meets both.
        while own.len() < 3 || began.elapsed() < self.patience {
            own.push(timed(|| ask(self.guest, self.id)).map_err(failed)?);
            nothing.push(timed(|| ask(self.nothing, NOTHING)).map_err(failed)?);
        }
        let cost = self.guest.plugin().cost(function);
        Ok(Figure {
            task_type: self.id.to_owned(),
            function: function.to_string(),
            batch,
            calls: own.len(),
            slowest: own.iter().copied().fold(0.0, f64::max),
            call: middle(&mut own),
            nothing: middle(&mut nothing),
            limit: cost.time_limit.as_secs_f64() * 1e6,
            memory: cost.memory,
            memory_limit: cost.memory_limit,
        })
    }
}

/// Microseconds of a call.
fn timed(call: impl FnOnce() -> Result<(), AskError>) -> Result<f64, AskError> {
    let began = Instant::now();
    call()?;
    Ok(began.elapsed().as_secs_f64() * 1e6)
}

fn middle(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_in_the_middle_counts() {
        assert!((middle(&mut [9.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!(middle(&mut []).abs() < f64::EPSILON);
    }
}
