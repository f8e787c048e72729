//! Rollouts under way: random devices that come, go, end well and badly; and examples.

use super::*;

/// What happens to a run between two questions.
#[derive(Debug, Clone)]
enum Event {
    Links { device: u32, open: bool },
    Reached(u32),
    Ends { device: u32, error: bool },
    Silent(u32),
    Minutes(i64),
    Pause,
    GoOn,
}

fn an_event() -> impl Strategy<Value = Event> {
    let device = || 1..80_u32;
    prop_oneof![
        2 => (device(), any::<bool>()).prop_map(|(device, open)| Event::Links { device, open }),
        6 => device().prop_map(Event::Reached),
        6 => (device(), prop::bool::weighted(0.15)).prop_map(|(device, error)| Event::Ends { device, error }),
        1 => device().prop_map(Event::Silent),
        2 => (1..120_i64).prop_map(Event::Minutes),
        1 => Just(Event::Pause),
        2 => Just(Event::GoOn),
    ]
}

/// A run, as its caller keeps it.
struct Run {
    rollout: Rollout,
    waves: Waves,
    progress: Progress,
    online: RoaringBitmap,
    now: Timestamp,
}

impl Run {
    fn new(rollout: Rollout, scope: &RoaringBitmap, fleet: &Fleet) -> Self {
        Self {
            waves: rollout.waves(RunId(1), scope, fleet),
            rollout,
            progress: Progress::default(),
            online: fleet.online.clone(),
            now: NOW,
        }
    }

    fn asked(&self) -> Step {
        self.rollout
            .next(&self.waves, &self.progress, &self.online, self.now)
    }

    /// Asks, and does what is said.
    fn step(&mut self) -> Step {
        let step = self.asked();
        self.progress.begun -= &step.withdraw;
        self.progress.begun |= &step.release;
        self.progress.place = step.place;
        step
    }

    fn happens(&mut self, event: &Event) {
        let progress = &mut self.progress;
        match *event {
            Event::Links { device, open: true } => {
                self.online.insert(device);
                progress.silent.remove(device);
            }
            Event::Links {
                device,
                open: false,
            } => {
                self.online.remove(device);
            }
            Event::Reached(device)
                if progress.begun.contains(device) && self.online.contains(device) =>
            {
                progress.reached.insert(device);
            }
            Event::Ends { device, error } if progress.reached.contains(device) => {
                if progress.ended.insert(device) && error {
                    progress.errors.insert(device);
                }
                progress.silent.remove(device);
            }
            Event::Silent(device)
                if progress.reached.contains(device) && !progress.ended.contains(device) =>
            {
                progress.silent.insert(device);
                self.online.remove(device);
            }
            Event::Minutes(count) => self.now += SignedDuration::from_mins(count),
            Event::Pause => progress.paused = true,
            Event::GoOn => {
                if let Some(hold) = self.asked().hold {
                    self.progress.go_on(&hold);
                }
            }
            Event::Reached(_) | Event::Ends { .. } | Event::Silent(_) => {}
        }
    }

    /// What must hold of every step, from the progress before it.
    fn holds(&self, before: &Progress, step: &Step) -> Result<(), TestCaseError> {
        let Progress {
            begun,
            ended,
            errors,
            excused,
            ..
        } = before;
        // Only those that wait begin, and only of waves that are open.
        prop_assert!(step.release.is_disjoint(begun) && step.release.is_disjoint(ended));
        let open = usize::try_from(step.place.wave).unwrap() + 1;
        let opened = self
            .waves
            .0
            .iter()
            .take(open)
            .fold(RoaringBitmap::new(), |all, wave| all | wave);
        prop_assert!(step.release.is_subset(&opened));
        // Taken back is only who has not got it.
        prop_assert!(step.withdraw.is_disjoint(&before.reached));
        if let Some(limit) = self.rollout.at_once {
            let was = ((begun - &step.withdraw) - ended - &before.silent).len();
            let at_it = was + step.release.len();
            prop_assert!(
                step.release.is_empty() || at_it <= u64::from(limit),
                "{} at it",
                at_it
            );
            prop_assert!(step.release.is_subset(&self.online));
        }
        let counted = (ended - excused).len();
        let wrong = (errors - excused).len();
        let over = self.rollout.stop.is_some_and(|stop| {
            counted >= u64::from(stop.of_at_least)
                && wrong * 100 > counted * u64::from(stop.errors_percent)
        });
        let stopped = matches!(step.hold, Some(Hold::Errors { .. } | Hold::Paused));
        if over || before.paused {
            prop_assert!(step.release.is_empty() && step.place == before.place);
            prop_assert!(stopped);
        } else {
            prop_assert!(!stopped);
        }
        // A wave is left only through its gate.
        for wave in before.place.wave..step.place.wave {
            let devices = &self.waves.0[wave as usize];
            let gate = self.rollout.waves[wave as usize].next;
            if devices.is_empty() {
                continue;
            }
            let reached = (devices & (&before.reached | ended)).len();
            prop_assert!(reached * 100 >= devices.len() * u64::from(gate.reached_percent));
            prop_assert!((devices & ended).len() * 100 >= reached * u64::from(gate.ended_percent));
            prop_assert!(!gate.approval || before.place.approved);
            let settled = before
                .place
                .settled_at
                .filter(|_| wave == before.place.wave);
            let watched = self.now.duration_since(settled.unwrap_or(self.now));
            prop_assert!(watched >= SignedDuration::from_mins(gate.wait_minutes.into()));
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_step_breaks_a_rule_and_every_run_ends(
        rollout in a_rollout(),
        (scope, fleet) in a_fleet(),
        events in prop::collection::vec(an_event(), 0..250),
    ) {
        let mut run = Run::new(rollout, &scope, &fleet);
        for event in &events {
            run.happens(event);
            let before = run.progress.clone();
            let step = run.step();
            run.holds(&before, &step)?;
            // Done, it has nothing more to say.
            let again = run.asked();
            prop_assert!(again.release.is_empty() && again.withdraw.is_empty(), "{:?}", again);
            prop_assert_eq!((again.place, again.hold), (step.place, step.hold));
        }
        // All come back and end well, and a person lets go what waits for one.
        run.online = set(1..80);
        run.progress.silent.clear();
        for _ in 0..500 {
            let step = run.step();
            match step.hold {
                Some(Hold::Finished) => break,
                Some(hold) => run.progress.go_on(&hold),
                None => prop_assert!(false, "nothing is said"),
            }
            run.progress.reached |= run.progress.begun.clone();
            run.progress.ended |= run.progress.begun.clone();
        }
        prop_assert_eq!(run.asked().hold, Some(Hold::Finished));
        prop_assert_eq!(&run.progress.ended, &scope);
    }
}

fn ten(json: &Value) -> Run {
    let fleet = Fleet {
        online: set(1..=10),
        ..Fleet::default()
    };
    Run::new(rollout(json), &set(1..=10), &fleet)
}

impl Run {
    /// All that have begun are reached, and these many end.
    fn end(&mut self, count: usize, error: bool) {
        let devices: Vec<u32> = (&self.progress.begun - &self.progress.ended)
            .iter()
            .take(count)
            .collect();
        for device in &devices {
            self.happens(&Event::Reached(*device));
            self.happens(&Event::Ends {
                device: *device,
                error,
            });
        }
        assert_eq!(devices.len(), count);
    }
}

#[test]
fn waves_follow_each_other_through_their_gates() {
    let mut run = ten(&json!({"waves": [
        {"devices": {"canaries": {"each": 2}}, "next": {"wait-minutes": 60}},
        {"devices": {"percent": {"to": 50}}, "next": {"approval": true}},
    ]}));
    let first = run.step();
    assert_eq!(first.release.len(), 2);
    assert_eq!(
        first.hold,
        Some(Hold::Reached {
            wave: 1,
            reached: 0,
            needed: 1
        })
    );
    run.end(1, false);
    // The other canary is not reached: half is enough.
    let until = NOW + SignedDuration::from_mins(60);
    assert_eq!(run.step().hold, Some(Hold::Soak { wave: 1, until }));
    run.now = until - SignedDuration::from_secs(1);
    assert_eq!(run.step().hold, Some(Hold::Soak { wave: 1, until }));
    run.now = until;
    assert_eq!(run.step().release.len(), 3);
    run.end(3, false);
    let hold = run.step().hold.unwrap();
    assert_eq!(hold, Hold::Approval { wave: 2 });
    run.progress.go_on(&hold);
    let last = run.step();
    assert_eq!(last.release.len(), 5);
    assert_eq!(last.hold, Some(Hold::UnderWay { ended: 4, of: 10 }));
    run.end(6, false);
    assert_eq!(run.step().hold, Some(Hold::Finished));
}

#[test]
fn a_canary_that_falls_silent_keeps_the_next_wave_from_beginning() {
    let mut run = ten(&json!({"waves": [{"devices": {"canaries": {}}}]}));
    let canary = run.step().release.min().unwrap();
    run.happens(&Event::Reached(canary));
    run.happens(&Event::Silent(canary));
    let held = Hold::Ended {
        wave: 1,
        ended: 0,
        needed: 1,
    };
    assert_eq!(run.step().hold, Some(held.clone()));
    run.progress.go_on(&held);
    assert_eq!(run.step().release.len(), 9);
}

#[test]
fn too_many_errors_stop_it_until_a_person_excuses_them() {
    let mut run = ten(&json!({
        "waves": [{"devices": {"percent": {"to": 40}}}],
        "stop": {"errors-percent": 25, "of-at-least": 2},
    }));
    run.step();
    run.end(1, true);
    // One of one would be too many, but one is too few to tell.
    assert!(!matches!(run.step().hold, Some(Hold::Errors { .. })));
    run.end(1, false);
    let held = Hold::Errors { errors: 1, of: 2 };
    assert_eq!(run.step().hold, Some(held.clone()));
    run.end(2, false);
    // A quarter is not more than a quarter.
    assert_eq!(run.step().release.len(), 6);
    run.end(2, true);
    let held = Hold::Errors { errors: 3, of: 6 };
    assert_eq!(run.step().hold, Some(held.clone()));
    run.progress.go_on(&held);
    assert_eq!(run.step().hold, Some(Hold::UnderWay { ended: 6, of: 10 }));
}

#[test]
fn who_loses_the_link_before_it_was_reached_gives_its_place_to_another() {
    let mut run = ten(&json!({"waves": [{"devices": {"percent": {"to": 100}}}], "at-once": 3}));
    let first = run.step();
    assert_eq!(first.hold, Some(Hold::AtOnce { limit: 3 }));
    let gone = first.release.min().unwrap();
    run.happens(&Event::Links {
        device: gone,
        open: false,
    });
    let step = run.step();
    assert_eq!(step.withdraw, set([gone]));
    assert_eq!(step.release.len(), 1);
    run.happens(&Event::Links {
        device: gone,
        open: true,
    });
    run.end(1, false);
    assert_eq!(run.step().release, set([gone]));
}

#[test]
fn a_rollout_of_nobody_is_finished() {
    let rollout =
        rollout(&json!({"waves": [{"devices": {"canaries": {}}, "next": {"approval": true}}]}));
    let mut run = Run::new(rollout, &set([]), &Fleet::default());
    assert_eq!(run.step().hold, Some(Hold::Finished));
}

#[test]
fn holds_are_told_in_json_and_in_words() {
    let until = NOW;
    for (hold, code, words) in [
        (Hold::Paused, "paused", "paused by an administrator"),
        (Hold::Errors { errors: 1, of: 2 }, "errors", "1 errors of 2"),
        (Hold::AtOnce { limit: 3 }, "at-once", "3 devices"),
        (
            Hold::Offline { devices: 1 },
            "offline",
            "1 device of the wave without a link",
        ),
        (
            Hold::Reached {
                wave: 1,
                reached: 0,
                needed: 1,
            },
            "reached",
            "0 of 1",
        ),
        (
            Hold::Ended {
                wave: 1,
                ended: 0,
                needed: 1,
            },
            "ended",
            "wave 1: 0 of 1",
        ),
        (
            Hold::Soak { wave: 1, until },
            "soak",
            "wave 1 is watched until 2026-",
        ),
        (
            Hold::Approval { wave: 1 },
            "approval",
            "lets the next one begin",
        ),
        (
            Hold::UnderWay { ended: 1, of: 2 },
            "under-way",
            "1 of 2 have ended",
        ),
        (Hold::Finished, "finished", "all have ended"),
    ] {
        let json = serde_json::to_value(&hold).unwrap();
        assert_eq!(json["code"], code);
        assert!(hold.to_string().contains(words), "{hold}");
        assert_eq!(serde_json::from_value::<Hold>(json).unwrap(), hold);
    }
}

#[test]
fn only_what_the_task_did_is_an_error() {
    for state in DeliveryState::ALL {
        let error = matches!(state.as_str(), "failed" | "timed-out");
        assert_eq!(is_error(state), error, "{state}");
    }
}
