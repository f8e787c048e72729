//! Rounds: every case gets a short turn, again and again, so that a disturbance of the machine
//! falls on all of them and not on one.

use anyhow::{Context, Result};
use std::time::{Duration, Instant};

/// Something to measure.
pub struct Case<'a> {
    name: &'static str,
    /// Answers that one call gives; times are told for each of them.
    answers: u32,
    call: Box<dyn FnMut() -> Result<()> + 'a>,
}

impl<'a> Case<'a> {
    /// One whose call gives one answer.
    pub fn new(name: &'static str, call: impl FnMut() -> Result<()> + 'a) -> Self {
        Self::of_many(name, 1, call)
    }

    /// One whose call gives so many answers.
    pub fn of_many(
        name: &'static str,
        answers: u32,
        call: impl FnMut() -> Result<()> + 'a,
    ) -> Self {
        Self {
            name,
            answers,
            call: Box::new(call),
        }
    }

    /// Microseconds for one answer, over so many calls.
    fn turn(&mut self, calls: u32) -> Result<f64> {
        let began = Instant::now();
        for _ in 0..calls {
            (self.call)().with_context(|| format!("the case {}", self.name))?;
        }
        Ok(began.elapsed().as_secs_f64() * 1e6 / f64::from(calls) / f64::from(self.answers))
    }

    /// How many calls fill a turn. It warms up on the way.
    fn calls_of_a_turn(&mut self, turn: Duration) -> Result<u32> {
        let mut calls = 1;
        loop {
            let began = Instant::now();
            self.turn(calls)?;
            let took = began.elapsed();
            if took >= turn / 2 || calls >= 1 << 20 {
                return Ok(calls);
            }
            calls *= 2;
        }
    }
}

/// Microseconds for one answer: for each case, one figure a round.
pub fn take(cases: &mut [Case<'_>], rounds: usize, turn: Duration) -> Result<Vec<Vec<f64>>> {
    let calls: Vec<u32> = cases
        .iter_mut()
        .map(|case| case.calls_of_a_turn(turn))
        .collect::<Result<_>>()?;
    let mut samples = vec![Vec::with_capacity(rounds); cases.len()];
    for _ in 0..rounds {
        for ((case, calls), samples) in cases.iter_mut().zip(&calls).zip(&mut samples) {
            samples.push(case.turn(*calls)?);
        }
    }
    Ok(samples)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn every_case_has_a_figure_for_every_round() {
        let (one, other) = (Cell::new(0), Cell::new(0));
        let count = |cell: &Cell<u32>| {
            cell.set(cell.get() + 1);
            Ok(())
        };
        let mut cases = [
            Case::new("one", || count(&one)),
            Case::of_many("other", 10, || count(&other)),
        ];
        let samples = take(&mut cases, 3, Duration::ZERO).unwrap();
        assert_eq!(samples.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3]);
        drop(cases);
        assert!(one.get() >= 4 && other.get() >= 4);
    }

    #[test]
    fn a_case_that_fails_is_named() {
        let mut cases = [Case::new("odd", || anyhow::bail!("no"))];
        let error = take(&mut cases, 1, Duration::ZERO).unwrap_err();
        assert!(format!("{error:#}").contains("odd"), "{error:#}");
    }
}
