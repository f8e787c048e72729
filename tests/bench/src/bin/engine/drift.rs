//! Drift: whether a call costs more when many went before.

use crate::subject::Subject;
use anyhow::Result;
use muster_bench::measure::{Measure, median};
use muster_bench::process;
use std::hint::black_box;
use std::time::Instant;

const FIRST: usize = 10;
const LAST: usize = 100_000;
/// Calls whose median stands for the one at their end or beginning.
const WINDOW: usize = 500;

pub(crate) struct Drift {
    pub(crate) measures: Vec<Measure>,
    pub(crate) note: String,
}

pub(crate) fn measure(subject: &Subject) -> Result<Drift> {
    let mut times = Vec::with_capacity(LAST + WINDOW);
    let mut early = None;
    for number in 0..LAST + WINDOW {
        let began = Instant::now();
        black_box(
            subject
                .plugin
                .validate_bare(&subject.task_type, &subject.settings)?,
        );
        times.push(began.elapsed().as_secs_f64() * 1e6);
        if number == FIRST + WINDOW {
            early = Some(process::memory(std::process::id())?.0);
        }
    }
    let late = process::memory(std::process::id())?.0;
    let window = |from: usize| times.get(from..from + WINDOW).unwrap_or_default();
    let (first, last) = (window(FIRST), window(LAST));
    Ok(Drift {
        measures: vec![
            Measure::new(
                "engine.drift.first",
                "fresh `validate`: calls 10 to 510 since the plug-in was loaded",
                "us",
                first,
            ),
            Measure::new(
                "engine.drift",
                "fresh `validate`: calls 100,000 to 100,500",
                "us",
                last,
            )
            .compared(&[median(last)], "engine.drift.first", &[median(first)])
            .at_most(1.1),
        ],
        note: format!(
            "The 100,000 calls of `drift` changed the memory of the process by {:.1} MiB.",
            late - early.unwrap_or(late)
        ),
    })
}
