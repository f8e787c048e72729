//! Admit: whether an occurrence whose time has come starts, given what else of its task there is. No
//! I/O: what is known goes in, a verdict comes out.

use crate::store::delivery::State;
use crate::store::occurrence::{Occurrence, Rules};
use jiff::{SignedDuration, Timestamp};
use muster_domain::RunId;
use muster_domain::delivery::Cause;
use muster_domain::schedule::policy::{MOST_MISSED, ON_TIME};
use muster_domain::schedule::{MissedRuns, OccurrenceId, OverlapStep};

/// Another occurrence of the task that was admitted and is not over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Other {
    pub(super) run: RunId,
    pub(super) name: OccurrenceId,
    /// Whether its first attempt began.
    pub(super) begun: bool,
    /// Whether it makes good what was missed, each of them.
    pub(super) late: bool,
}

/// What is decided.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Why it does not start; nothing if it does.
    pub(super) missed: Option<Cause>,
    /// Whether it makes good what was missed, each of them.
    pub(super) late: bool,
    /// Those that do not start because of it.
    pub(super) instead_of: Vec<RunId>,
    /// The one that is to be stopped for it.
    pub(super) stop: Option<RunId>,
}

/// Decides on one that may start by its own time. `others` are in the order in which they came.
pub(super) fn admit(own: &Occurrence, others: &[Other], now: Timestamp) -> Verdict {
    let rules = &own.rules;
    let late = now.duration_since(own.start_at) > ON_TIME;
    if late && !is_made_good(rules, own.start_at, now) {
        return Verdict {
            missed: Some(Cause::TimePassed),
            ..Verdict::default()
        };
    }
    let each = rules.missed_runs == MissedRuns::Each;
    let waiting = || others.iter().filter(|other| !other.begun);
    if each && late {
        // They run one after the other: an overlap that left only one of them would undo the choice.
        let too_many = waiting().filter(|other| other.late).count() >= MOST_MISSED;
        return Verdict {
            missed: too_many.then_some(Cause::TimePassed),
            late,
            ..Verdict::default()
        };
    }
    let running = others.iter().find(|other| other.begun);
    let newest = waiting().next_back();
    let step = rules.overlap.step(
        running.map(|other| other.name),
        newest.map(|other| other.name),
    );
    // Of those that wait, the newest is enough, unless each of them counts.
    let instead_of = waiting()
        .filter(|other| !(other.late || each && running.is_none()))
        .map(|other| other.run)
        .collect();
    match step {
        OverlapStep::Miss { running } => Verdict {
            missed: Some(Cause::EarlierOccurrence {
                occurrence: running,
            }),
            ..Verdict::default()
        },
        OverlapStep::Start | OverlapStep::Wait { .. } => Verdict {
            instead_of,
            ..Verdict::default()
        },
        OverlapStep::Stop { .. } => Verdict {
            instead_of,
            stop: running.map(|other| other.run),
            ..Verdict::default()
        },
    }
}

fn is_made_good(rules: &Rules, start_at: Timestamp, now: Timestamp) -> bool {
    last_chance(rules, start_at).is_none_or(|last| now <= last)
}

/// When one that has not begun need not begin any more, by the rule for missed runs. None if it is made
/// good however late it is.
pub(super) fn last_chance(rules: &Rules, start_at: Timestamp) -> Option<Timestamp> {
    let length = match rules.missed_runs {
        MissedRuns::Once | MissedRuns::Each => return None,
        MissedRuns::Ignore => ON_TIME,
        MissedRuns::YoungerThan { minutes } => {
            let age = SignedDuration::from_mins(i64::from(minutes));
            // Younger than that, not as old.
            ON_TIME.max(age.saturating_sub(SignedDuration::from_millis(1)))
        }
    };
    Some(start_at.checked_add(length).unwrap_or(Timestamp::MAX))
}

/// Whether a delivery that was admitted and has not begun waits in line, or by a person's wish: then its
/// time does not pass.
pub(super) fn is_in_line(state: State, cause: Option<&Cause>) -> bool {
    let behind = matches!(
        cause,
        Some(Cause::BlockedByTask { .. } | Cause::EarlierOccurrence { .. } | Cause::RetryAt { .. })
    );
    behind || state == State::Paused
}

#[cfg(test)]
mod tests {
    use super::*;
    use muster_domain::schedule::Overlap;

    const NAMES: [&str; 4] = [
        "2026-10-20T18:00",
        "2026-10-21T18:00",
        "2026-10-22T18:00",
        "2026-10-23T18:00",
    ];

    fn name(place: usize) -> OccurrenceId {
        OccurrenceId::try_from(NAMES[place].to_owned()).unwrap()
    }

    fn start() -> Timestamp {
        "2026-10-23T18:00Z".parse().unwrap()
    }

    fn own(missed_runs: MissedRuns, overlap: Overlap) -> Occurrence {
        Occurrence {
            name: name(3),
            due_at: start(),
            start_at: start(),
            rules: Rules {
                missed_runs,
                overlap,
                stop_after_minutes: None,
                retry: None,
            },
            admitted: false,
            late: false,
            began_at: None,
            failures: 0,
            retry: None,
            stop: None,
        }
    }

    fn others(begun: &[bool]) -> Vec<Other> {
        let other = |(place, begun): (usize, &bool)| Other {
            run: RunId(-1 - i64::try_from(place).unwrap()),
            name: name(place),
            begun: *begun,
            late: false,
        };
        begun.iter().enumerate().map(other).collect()
    }

    #[test]
    fn overlap_decides_while_an_earlier_one_runs() {
        let ask = |overlap, begun: &[bool]| {
            admit(&own(MissedRuns::Once, overlap), &others(begun), start())
        };
        let missed = |place| {
            Some(Cause::EarlierOccurrence {
                occurrence: name(place),
            })
        };
        assert_eq!(ask(Overlap::Forbid, &[]), Verdict::default());
        assert_eq!(ask(Overlap::Forbid, &[true]).missed, missed(0));
        let queued = ask(Overlap::Queue, &[true, false]);
        assert_eq!((queued.missed, queued.instead_of), (None, vec![RunId(-2)]));
        let replaces = ask(Overlap::Replace, &[true, false]);
        assert_eq!(replaces.stop, Some(RunId(-1)));
        assert_eq!(replaces.instead_of, [RunId(-2)]);
    }

    #[test]
    fn what_waits_gives_way_to_a_later_one_unless_each_counts() {
        let ask = |missed| admit(&own(missed, Overlap::Forbid), &others(&[false]), start());
        assert_eq!(ask(MissedRuns::Once).instead_of, [RunId(-1)]);
        assert_eq!(ask(MissedRuns::Each), Verdict::default());
    }

    #[test]
    fn what_is_late_goes_by_the_rule_for_missed_runs() {
        let later = |minutes| start() + SignedDuration::from_mins(minutes);
        let ask = |missed, minutes| {
            admit(&own(missed, Overlap::Forbid), &[], later(minutes))
                .missed
                .is_none()
        };
        assert!(ask(MissedRuns::Ignore, 1) && !ask(MissedRuns::Ignore, 2));
        assert!(ask(MissedRuns::Once, 100_000));
        let young = MissedRuns::YoungerThan { minutes: 60 };
        assert!(ask(young, 59) && !ask(young, 60));
        // Each of several is made good although the first of them runs.
        let each = own(MissedRuns::Each, Overlap::Forbid);
        let verdict = admit(&each, &others(&[true, false]), later(100));
        assert_eq!((verdict.missed, verdict.late), (None, true));
        assert!(verdict.instead_of.is_empty());
    }
}
