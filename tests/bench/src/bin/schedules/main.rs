//! `cargo xtask bench schedules`: what an occurrence costs, and ninety days of a fleet.
//!
//! The fleet is the one that the tests of `domain` hold their server against; here it has its full size.
//! The oracle is the least that anybody does who walks through time minute by minute and looks at the
//! clock on the wall.

// One fleet for test and measure, so that what is measured is what was shown to be right.
#[path = "../../../../../host/domain/tests/fleet/mod.rs"]
#[allow(
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a simulation ends where what it stands on fails"
)]
mod fleet;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use fleet::{Fleet, Size};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use muster_bench::machine;
use muster_bench::measure::Measure;
use muster_bench::report::{self, Report};
use muster_bench::rounds::{Case, take};
use muster_domain::schedule::{Schedule, Timetable, Zone};
use serde_json::{Value, json};
use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

#[derive(Parser)]
#[command(about = "What an occurrence costs, and ninety days of a fleet")]
struct Line {
    #[command(flatten)]
    options: report::Options,
}

/// Occurrences of one call.
const MANY: u32 = 500;

fn main() -> ExitCode {
    match measure(&Line::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn measure(line: &Line) -> Result<()> {
    let (rounds, turn, tasks) = if line.options.quick {
        (11, Duration::from_millis(10), 1000)
    } else {
        (51, Duration::from_millis(30), 10_000)
    };
    let machine = machine::describe();
    let mut measures = each(rounds, turn)?;
    let (more, note) = ninety_days(tasks);
    measures.extend(more);
    let report = Report {
        name: "schedules",
        machine,
        measures,
        notes: vec![note],
    };
    report.tell(&line.options)
}

fn table(when: &Value, zone: &TimeZone) -> Result<Timetable> {
    let json = json!({ "when": when });
    let (schedule, _) = Schedule::parse(&json)
        .ok()
        .with_context(|| format!("{json} is refused"))?;
    Ok(Timetable::new(&schedule, zone)?)
}

/// One occurrence after the other, in a zone that changes its clocks.
fn each(rounds: usize, turn: Duration) -> Result<Vec<Measure>> {
    let zone = Zone::named("Europe/Berlin")?;
    let begin = Timestamp::constant(1_788_220_800, 0);
    let daily = table(&json!({"every-days": {"from": "2026-01-01T02:30"}}), &zone)?;
    let weekday = json!({"on": [{"nth": "second", "day": "tuesday"}], "at": "22:00"});
    let weekday = table(&json!({ "monthly-by-weekday": weekday }), &zone)?;
    let cron = table(
        &json!({"cron": {"expression": "*/20 8-18 * * mon-fri"}}),
        &zone,
    )?;
    let hours = table(&json!({"every-hours": {"from": "2026-01-01T00:30"}}), &zone)?;
    let many = |table: &Timetable| {
        let most = usize::try_from(MANY)?;
        let count = table.after(begin).take(most).map(black_box).count();
        ensure!(count == most, "only {count} occurrences");
        Ok(())
    };
    let half_past_two = jiff::civil::time(2, 30, 0, 0);
    let mut cases = [
        Case::of_many("oracle", 10, || {
            let minutes = (0..10 * 1440).map(SignedDuration::from_mins);
            let found = minutes
                .filter(|gone| zone.to_datetime(begin + *gone).time() == half_past_two)
                .count();
            ensure!(black_box(found) == 10, "found {found}");
            Ok(())
        }),
        Case::of_many("every-days", MANY, || many(&daily)),
        Case::of_many("every-hours", MANY, || many(&hours)),
        Case::of_many("monthly-by-weekday", MANY, || many(&weekday)),
        Case::of_many("cron", MANY, || many(&cron)),
        Case::new("first", || {
            let from = begin + SignedDuration::from_hours(24 * 365 * 20);
            black_box(daily.after(from).next()).context("none")?;
            Ok(())
        }),
    ];
    let samples = take(&mut cases, rounds, turn)?;
    let words = [
        "an occurrence of `every-days` by the oracle: the clock looked at each minute",
        "**an occurrence of `every-days`, one after the other**",
        "an occurrence of `every-hours`",
        "an occurrence of `monthly-by-weekday`",
        "an occurrence of `cron`, three an hour on working days",
        "the first occurrence of `every-days` after a moment twenty years ahead",
    ];
    let names = [
        "oracle",
        "every-days",
        "every-hours",
        "monthly-by-weekday",
        "cron",
        "first",
    ];
    let oracle = samples.first().context("nothing was measured")?;
    let each = names.iter().zip(words).zip(&samples);
    Ok(each
        .map(|((name, words), own)| {
            let measure = Measure::new(format!("schedules.{name}"), words, "us", own);
            match *name {
                "every-days" => measure
                    .compared(own, "schedules.oracle", oracle)
                    .at_most(0.05),
                _ => measure,
            }
        })
        .collect())
}

/// The whole fleet, once.
fn ninety_days(tasks: u32) -> (Vec<Measure>, String) {
    let size = Size {
        tasks,
        devices: 1000,
        scope: 4,
        days: 90,
    };
    eprintln!("ninety days of {tasks} tasks");
    let began = Instant::now();
    let count = Fleet::new(size).run();
    let took = began.elapsed().as_secs_f64();
    #[expect(
        clippy::cast_precision_loss,
        reason = "far fewer than 2^52 occurrences"
    )]
    let rate = count.occurrences as f64 / took;
    let measures = vec![
        Measure::new(
            "schedules.ninety-days",
            "ninety days of the fleet, server and devices, and both compared",
            "s",
            &[took],
        ),
        Measure::new(
            "schedules.rate",
            "occurrences on devices in a second of that",
            "occurrences/s",
            &[rate],
        ),
    ];
    let note = format!(
        "Ninety days: {tasks} tasks with schedules of every item that names times, each for {} of {} devices \
         in {} zones, which are off for up to two days a week. {} occurrences on devices, of {} runs; {} of \
         them started, the others were missed by their rule. Each was there once, and the same on server \
         and devices, or the program would have ended.",
        size.scope,
        size.devices,
        fleet::ZONES.len(),
        count.occurrences,
        count.runs,
        count.started,
    );
    (measures, note)
}
