//! Whose call is next: every plug-in has a lane of its own, and lanes take turns.
//!
//! No threads and no clock here: `calls` tells what happens and when. What it promises:
//! - A plug-in with nothing waiting gets its turn after at most one call of each other plug-in.
//! - One plug-in never has all threads: there is one more than it may take for short calls.
//! - One that ran into its limits lately has one call at a time, and all such plug-ins together
//!   have half the threads. So has one that was starved: if calls of its own, or of its like, took
//!   each other's processor, the next shows what it needs itself.
//! - A plug-in that fills its lane is told to come later; others still find room.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long a plug-in that ran into a limit gets less.
const PROBATION: Duration = Duration::from_secs(30);
/// Lanes' worth of calls that may wait in all.
const FULL_LANES: usize = 4;
/// After so many turns in a row for plug-ins that behave, one that does not has a turn too.
const PATIENCE: u32 = 16;

/// A plug-in's own queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Lane(u64);

impl Lane {
    /// For components that are at the gate: they share one.
    pub(crate) const GATE: Self = Self(0);

    /// For a plug-in that passed it.
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// What waits and what runs, of each lane.
pub(super) struct Lanes<J> {
    threads: usize,
    most: usize,
    states: HashMap<Lane, State<J>>,
    /// Lanes that have a call waiting and may run it now, in turn.
    turns: VecDeque<Lane>,
    /// The same for those on probation.
    later: VecDeque<Lane>,
    waiting: usize,
    on_probation: usize,
    passed_over: u32,
}

struct State<J> {
    waiting: VecDeque<J>,
    /// Calls that run.
    running: usize,
    /// Those of them that are not set aside.
    short: usize,
    has_turn: bool,
    /// Until when.
    probation: Option<Instant>,
    /// Until when that is by its own fault.
    at_fault: Option<Instant>,
}

/// A call whose turn it is.
pub(super) struct Turn<J> {
    pub(super) lane: Lane,
    pub(super) job: J,
    /// Its plug-in ran into a limit lately.
    pub(super) on_probation: bool,
    /// One of its own, and not by being starved.
    pub(super) at_fault: bool,
}

/// How a call ended, as far as the lane is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// It kept within its limits.
    Within,
    /// It took all that it may.
    AtItsLimit,
    /// It was kept from running until its time by the clock was over.
    Starved,
}

impl<J> Lanes<J> {
    /// For so many threads, with room for so many calls in a lane.
    pub(super) fn new(threads: usize, most: usize) -> Self {
        Self {
            threads: threads.max(1),
            most,
            states: HashMap::new(),
            turns: VecDeque::new(),
            later: VecDeque::new(),
            waiting: 0,
            on_probation: 0,
            passed_over: 0,
        }
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Whether some call could begin now.
    pub(super) fn has_turn(&self) -> bool {
        !self.turns.is_empty() || (!self.later.is_empty() && self.room_for_probation())
    }

    /// Takes a call, or says how many of the same plug-in wait already.
    pub(super) fn push(&mut self, lane: Lane, job: J, now: Instant) -> Result<(), usize> {
        let full = self.waiting >= self.most.saturating_mul(FULL_LANES);
        let state = self.states.entry(lane).or_insert_with(State::new);
        let waiting = state.waiting.len();
        if waiting >= self.most || (full && waiting > 0) {
            return Err(waiting);
        }
        state.waiting.push_back(job);
        self.waiting += 1;
        self.give_turn(lane, now);
        Ok(())
    }

    /// The next call, if one may begin.
    pub(super) fn next(&mut self, now: Instant) -> Option<Turn<J>> {
        let later = !self.later.is_empty() && self.room_for_probation();
        let first = if later && (self.turns.is_empty() || self.passed_over >= PATIENCE) {
            self.passed_over = 0;
            self.later.pop_front()
        } else {
            self.passed_over += u32::from(later);
            self.turns.pop_front()
        };
        let lane = first?;
        let state = self.states.get_mut(&lane)?;
        state.has_turn = false;
        let job = state.waiting.pop_front()?;
        self.waiting -= 1;
        state.running += 1;
        state.short += 1;
        let on_probation = state.is_on_probation(now);
        let at_fault = state.at_fault.is_some_and(|until| now < until);
        self.on_probation += usize::from(on_probation);
        self.give_turn(lane, now);
        Some(Turn {
            lane,
            job,
            on_probation,
            at_fault,
        })
    }

    /// A call runs long: its thread no longer counts.
    pub(super) fn set_aside(&mut self, lane: Lane, now: Instant) {
        if let Some(state) = self.states.get_mut(&lane) {
            state.short = state.short.saturating_sub(1);
        }
        self.give_turn(lane, now);
    }

    /// A call ended. `aside` and `on_probation` are what it was.
    pub(super) fn ended(
        &mut self,
        lane: Lane,
        ended: Ended,
        (aside, on_probation): (bool, bool),
        now: Instant,
    ) {
        self.on_probation = self.on_probation.saturating_sub(usize::from(on_probation));
        let Some(state) = self.states.get_mut(&lane) else {
            return;
        };
        state.running = state.running.saturating_sub(1);
        if !aside {
            state.short = state.short.saturating_sub(1);
        }
        // Components at the gate are strangers to each other.
        if ended != Ended::Within && lane != Lane::GATE {
            state.probation = Some(now + PROBATION);
            if ended == Ended::AtItsLimit {
                state.at_fault = state.probation;
            }
        }
        if state.running == 0 && state.waiting.is_empty() && !state.is_on_probation(now) {
            self.states.remove(&lane);
        } else {
            self.give_turn(lane, now);
        }
    }

    /// Forgets a plug-in that is gone, once nothing of it runs or waits.
    pub(super) fn forget(&mut self, lane: Lane) {
        let idle = |state: &State<J>| state.running == 0 && state.waiting.is_empty();
        if self.states.get(&lane).is_some_and(idle) {
            self.states.remove(&lane);
        }
    }

    fn room_for_probation(&self) -> bool {
        self.on_probation < (self.threads / 2).max(1)
    }

    fn give_turn(&mut self, lane: Lane, now: Instant) {
        let threads = self.threads;
        let Some(state) = self.states.get_mut(&lane) else {
            return;
        };
        if state.has_turn || state.waiting.is_empty() {
            return;
        }
        if state.is_on_probation(now) {
            if state.running == 0 {
                state.has_turn = true;
                self.later.push_back(lane);
            }
        } else if state.short < threads && state.running < 2 * threads {
            state.has_turn = true;
            self.turns.push_back(lane);
        }
    }
}

impl<J> State<J> {
    fn new() -> Self {
        Self {
            waiting: VecDeque::new(),
            running: 0,
            short: 0,
            has_turn: false,
            probation: None,
            at_fault: None,
        }
    }

    fn is_on_probation(&self, now: Instant) -> bool {
        self.probation.is_some_and(|until| now < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Lane = Lane(101);
    const B: Lane = Lane(102);
    const C: Lane = Lane(103);

    fn lanes(calls: &[(Lane, usize)]) -> (Lanes<usize>, Instant) {
        let (mut lanes, now) = (Lanes::new(2, 100), Instant::now());
        for (lane, count) in calls {
            for number in 0..*count {
                lanes.push(*lane, number, now).unwrap();
            }
        }
        (lanes, now)
    }

    fn next(lanes: &mut Lanes<usize>, now: Instant) -> Option<(Lane, usize)> {
        lanes.next(now).map(|turn| (turn.lane, turn.job))
    }

    const SHORT: (bool, bool) = (false, false);

    #[test]
    fn plug_ins_take_turns_however_many_calls_one_has() {
        let (mut lanes, now) = lanes(&[(A, 50), (B, 1), (C, 1)]);
        let mut order = Vec::new();
        for _ in 0..5 {
            let (lane, number) = next(&mut lanes, now).unwrap();
            order.push((lane, number));
            lanes.ended(lane, Ended::Within, SHORT, now);
        }
        assert_eq!(order, [(A, 0), (B, 0), (C, 0), (A, 1), (A, 2)]);
    }

    #[test]
    fn one_plug_in_never_has_all_threads() {
        let (mut lanes, now) = lanes(&[(A, 50)]);
        assert_eq!(next(&mut lanes, now), Some((A, 0)));
        assert_eq!(next(&mut lanes, now), Some((A, 1)));
        // The third thread is for others.
        assert_eq!(next(&mut lanes, now), None);
        lanes.push(B, 0, now).unwrap();
        assert_eq!(next(&mut lanes, now), Some((B, 0)));
        // Set aside, its long calls make room for as many short ones, and no more.
        lanes.set_aside(A, now);
        lanes.set_aside(A, now);
        assert_eq!(next(&mut lanes, now), Some((A, 2)));
        assert_eq!(next(&mut lanes, now), Some((A, 3)));
        lanes.set_aside(A, now);
        assert_eq!(next(&mut lanes, now), None);
        lanes.ended(A, Ended::Within, (true, false), now);
        assert_eq!(next(&mut lanes, now), Some((A, 4)));
    }

    #[test]
    fn one_that_ran_into_its_limit_gets_less_for_a_while() {
        let (mut lanes, now) = lanes(&[(A, 5), (B, 3)]);
        assert_eq!(next(&mut lanes, now), Some((A, 0)));
        lanes.ended(A, Ended::AtItsLimit, (true, false), now);
        // A had its turn already; that one it keeps, and it counts as one on probation.
        assert_eq!(next(&mut lanes, now), Some((B, 0)));
        let turn = lanes.next(now).unwrap();
        assert_eq!((turn.lane, turn.on_probation), (A, true));
        assert_eq!(next(&mut lanes, now), Some((B, 1)));
        assert_eq!(next(&mut lanes, now), None);
        // Nor does another one on probation get a thread beside it.
        lanes.push(C, 0, now).unwrap();
        assert_eq!(next(&mut lanes, now), Some((C, 0)));
        lanes.ended(C, Ended::AtItsLimit, SHORT, now);
        lanes.push(C, 1, now).unwrap();
        assert!(!lanes.has_turn());
        lanes.ended(A, Ended::Within, (false, true), now);
        assert!(lanes.has_turn());
        // In time all is forgiven.
        let later = now + PROBATION;
        let turn = lanes.next(later).unwrap();
        assert_eq!((turn.lane, turn.on_probation), (C, false));
    }

    #[test]
    fn one_that_was_starved_has_one_call_at_a_time_and_is_not_at_fault() {
        let (mut lanes, mut now) = lanes(&[(A, 1)]);
        next(&mut lanes, now).unwrap();
        lanes.ended(A, Ended::Starved, SHORT, now);
        for number in 0..5 {
            lanes.push(A, number, now).unwrap();
        }
        let mut end = |with, now: Instant| {
            let turn = lanes.next(now).unwrap();
            let was = (true, turn.on_probation);
            let alone = lanes.next(now).is_none();
            lanes.ended(A, with, was, now);
            (turn.on_probation, turn.at_fault, alone)
        };
        assert_eq!(end(Ended::AtItsLimit, now), (true, false, true));
        // Starved again and again, it is at fault no longer than for what it did itself.
        now += PROBATION / 2;
        assert_eq!(end(Ended::Starved, now), (true, true, true));
        now += PROBATION / 2;
        assert_eq!(end(Ended::Within, now), (true, false, true));
    }

    #[test]
    fn whoever_is_on_probation_has_a_turn_at_last() {
        let (mut lanes, now) = lanes(&[(A, 1)]);
        next(&mut lanes, now).unwrap();
        lanes.ended(A, Ended::AtItsLimit, SHORT, now);
        for number in 0..50 {
            lanes.push(B, number, now).unwrap();
        }
        lanes.push(A, 7, now).unwrap();
        let before = (0..50)
            .take_while(|_| {
                let (lane, _) = next(&mut lanes, now).unwrap();
                lanes.ended(lane, Ended::Within, (false, lane == A), now);
                lane == B
            })
            .count();
        assert_eq!(before, PATIENCE as usize);
    }

    #[test]
    fn a_full_lane_leaves_room_for_others() {
        let (mut lanes, now) = (Lanes::new(1, 2), Instant::now());
        for lane in [10, 11, 12, 13].map(Lane) {
            assert_eq!(lanes.push(lane, 0, now), Ok(()));
            assert_eq!(lanes.push(lane, 1, now), Ok(()));
            assert_eq!(lanes.push(lane, 2, now), Err(2));
        }
        // All is full, and whoever has nothing waiting is taken nevertheless.
        assert_eq!(lanes.push(A, 0, now), Ok(()));
        assert_eq!(lanes.push(A, 1, now), Err(1));
        assert_eq!(lanes.waiting(), 9);
    }

    #[test]
    fn nothing_is_kept_of_lanes_that_are_empty() {
        let (mut lanes, now) = lanes(&[(A, 1), (B, 1)]);
        next(&mut lanes, now).unwrap();
        lanes.ended(A, Ended::Within, SHORT, now);
        next(&mut lanes, now).unwrap();
        lanes.ended(B, Ended::AtItsLimit, SHORT, now);
        assert_eq!(lanes.states.len(), 1);
        lanes.forget(B);
        assert!(lanes.states.is_empty());
    }
}
