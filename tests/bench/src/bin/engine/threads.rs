//! Two threads against one: whether calls get in each other's way.

use crate::Effort;
use crate::reused::Reused;
use crate::subject::Subject;
use anyhow::{Context as _, Result};
use muster_bench::measure::Measure;
use std::hint::black_box;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

/// Calls between two looks at the time.
const STRIDE: u32 = 8;

#[derive(Clone, Copy)]
enum Way {
    Native,
    Reused,
    Fresh,
}

#[rustfmt::skip]
const WAYS: [(Way, &str, &str, &str, &str); 3] = [
    (Way::Native, "engine.threads.native_one", "engine.threads.native", "native `validate`, one thread", "native `validate`, two threads"),
    (Way::Reused, "engine.threads.reused_one", "engine.threads.reused", "reused instance, one thread", "reused instance in each thread, two threads"),
    (Way::Fresh, "engine.threads.fresh_one", "engine.threads.fresh", "fresh store, one thread", "**fresh store for each call, two threads**"),
];

pub(crate) fn measure(subject: &Subject, effort: &Effort) -> Result<Vec<Measure>> {
    let mut samples = vec![(Vec::new(), Vec::new()); WAYS.len()];
    for _ in 0..effort.thread_rounds {
        for ((way, ..), (one, two)) in WAYS.iter().zip(&mut samples) {
            one.push(rate(subject, *way, 1, effort.thread_turn)?);
            two.push(rate(subject, *way, 2, effort.thread_turn)?);
        }
    }
    let mut measures = Vec::new();
    for ((way, name_one, name_two, words_one, words_two), (one, two)) in WAYS.iter().zip(&samples) {
        measures.push(Measure::new(*name_one, words_one, "calls/s", one));
        let measure =
            Measure::new(*name_two, words_two, "calls/s", two).compared(two, *name_one, one);
        measures.push(match way {
            Way::Fresh => measure.at_least(1.6),
            Way::Native | Way::Reused => measure,
        });
    }
    Ok(measures)
}

/// Calls a second, over all threads.
fn rate(subject: &Subject, way: Way, threads: usize, turn: Duration) -> Result<f64> {
    let start = Barrier::new(threads);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| scope.spawn(|| worker(subject, way, &start, turn)))
            .collect();
        let mut sum = 0.0;
        for worker in workers {
            let rate = worker.join().ok().context("a measuring thread panicked")?;
            sum += rate?;
        }
        Ok(sum)
    })
}

fn worker(subject: &Subject, way: Way, start: &Barrier, turn: Duration) -> Result<f64> {
    let Subject {
        plugin,
        task_type,
        settings,
        ..
    } = subject;
    let mut warm = Reused::new(subject)?;
    let mut call = || -> Result<()> {
        match way {
            Way::Native => drop(black_box(subject.native_verdict()?)),
            Way::Reused => drop(black_box(warm.validate(settings)?)),
            Way::Fresh => drop(black_box(plugin.validate_bare(task_type, settings)?)),
        }
        Ok(())
    };
    call()?;
    start.wait();
    let began = Instant::now();
    let mut calls = 0;
    while began.elapsed() < turn {
        for _ in 0..STRIDE {
            call()?;
        }
        calls += STRIDE;
    }
    Ok(f64::from(calls) / began.elapsed().as_secs_f64())
}
