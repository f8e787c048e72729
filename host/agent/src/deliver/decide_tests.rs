//! Tests of what is decided about one delivery.

use super::*;
use crate::store::occurrence::{Occurrence, Rules};
use muster_agent_protocol::order::Order;
use muster_domain::schedule::{MissedRuns, Overlap};
use muster_domain::{DeviceId, Digest, TaskId};

fn delivery(wanted: Wanted, needs: Needs) -> Delivery {
    Delivery {
        stopped: None,
        order: Order {
            device: DeviceId(1),
            sequence: 1,
            run: RunId(1),
            task: TaskId(1),
            task_name: "x".into(),
            revision: 1,
            application: "a.b".parse().unwrap(),
            task_type: "scan".parse().unwrap(),
            needs,
            exclusive: false,
            time_limit: 1,
            command: Digest::of(""),
            wanted,
            valid_until: Timestamp::UNIX_EPOCH,
            despite_windows: false,
        },
        state: State::Waiting,
        cause: None,
        attempt: 0,
        session: None,
        leader: None,
        end: None,
        has_command: true,
        changed_at: Timestamp::UNIX_EPOCH,
        occurrence: None,
    }
}

fn around(application: Option<ApplicationState>) -> Surroundings<'static> {
    Surroundings {
        at_work: None,
        application,
        windows: None,
        held: None,
        sibling: None,
        blocked_by: None,
        secrets: None,
        most_attempts: 3,
        now: Timestamp::UNIX_EPOCH,
    }
}

#[test]
fn it_waits_for_its_secrets_and_keeps_others_up_only_while_they_come() {
    let delivery = delivery(Wanted::Run, Needs::Nothing);
    let ask = |secrets, blocked_by| {
        let around = Surroundings {
            blocked_by,
            secrets,
            ..around(Some(ApplicationState::Running))
        };
        decide(&delivery, &around)
    };
    let cause = Cause::SecretUnavailable {
        secret: "proxy".into(),
        reason: muster_domain::secret::SecretAbsence::Unknown,
    };
    let coming = ask(Some(Awaited::Coming), None);
    assert_eq!(coming, Step::AwaitSecrets);
    assert!(coming.claims());
    let unavailable = ask(Some(Awaited::Unavailable(cause.clone())), Some(RunId(9)));
    assert_eq!(unavailable, Step::Wait(cause));
    assert!(!unavailable.claims());
    assert_eq!(
        ask(Some(Awaited::Coming), Some(RunId(9))),
        Step::Queue(RunId(9))
    );
}

#[test]
fn it_waits_for_what_it_needs_and_says_so() {
    let ask = |needs, application| decide(&delivery(Wanted::Run, needs), &around(application));
    assert_eq!(ask(Needs::Nothing, None), Step::Wait(Cause::NoConnector));
    assert_eq!(
        ask(Needs::Nothing, Some(ApplicationState::Absent)),
        Step::Start
    );
    assert_eq!(
        ask(Needs::Installed, Some(ApplicationState::Absent)),
        Step::Wait(Cause::ApplicationNotInstalled)
    );
    assert_eq!(
        ask(Needs::Installed, Some(ApplicationState::Stopped)),
        Step::Start
    );
    assert_eq!(
        ask(Needs::Running, Some(ApplicationState::Stopped)),
        Step::Wait(Cause::ApplicationNotRunning)
    );
    assert_eq!(
        ask(Needs::Running, Some(ApplicationState::Running)),
        Step::Start
    );
}

#[test]
fn what_is_at_work_follows_the_order_and_its_application() {
    let ask = |wanted, control: &Control, application| {
        let around = Surroundings {
            at_work: Some(control),
            ..around(Some(application))
        };
        decide(&delivery(wanted, Needs::Running), &around)
    };
    let (runs, stopped) = (ApplicationState::Running, ApplicationState::Stopped);
    let stop = Control::Stop(Cause::ApplicationStopped);
    assert_eq!(ask(Wanted::Run, &Control::Run, runs), Step::Nothing);
    assert_eq!(
        ask(Wanted::Pause, &Control::Run, runs),
        Step::Control(Control::Pause)
    );
    assert_eq!(
        ask(Wanted::Run, &Control::Pause, runs),
        Step::Control(Control::Run)
    );
    assert_eq!(
        ask(Wanted::Run, &Control::Run, stopped),
        Step::Control(stop.clone())
    );
    assert_eq!(ask(Wanted::Run, &stop, runs), Step::Nothing);
    assert_eq!(
        ask(Wanted::Stop, &Control::Pause, stopped),
        Step::Control(Control::Stop(Cause::Administrator))
    );
}

#[test]
fn what_came_too_late_or_never_ends_is_given_up() {
    let late = Surroundings {
        now: Timestamp::MAX,
        ..around(Some(ApplicationState::Running))
    };
    let mut delivery = delivery(Wanted::Run, Needs::Running);
    assert!(matches!(
        decide(&delivery, &late),
        Step::End(End::Refused { .. })
    ));
    // One that had begun in time may be begun again later.
    delivery.attempt = 1;
    assert_eq!(decide(&delivery, &late), Step::Start);
    delivery.attempt = 3;
    assert!(matches!(
        decide(&delivery, &late),
        Step::End(End::Refused { .. })
    ));
    delivery.order.wanted = Wanted::Stop;
    assert!(matches!(
        decide(&delivery, &late),
        Step::End(End::Stopped { .. })
    ));
}

fn own(delivery: &mut Delivery) -> &mut Occurrence {
    delivery.order.run = RunId(-1);
    delivery.order.valid_until = Timestamp::MAX;
    delivery.occurrence.insert(Occurrence {
        name: "2026-10-25T18:00".to_owned().try_into().unwrap(),
        due_at: Timestamp::UNIX_EPOCH,
        start_at: Timestamp::UNIX_EPOCH,
        rules: Rules {
            missed_runs: MissedRuns::Once,
            overlap: Overlap::Forbid,
            stop_after_minutes: Some(60),
            retry: None,
        },
        admitted: true,
        late: false,
        began_at: None,
        failures: 0,
        retry: None,
        stop: None,
    })
}

fn minute(minute: i64) -> Timestamp {
    Timestamp::from_second(minute * 60).unwrap()
}

fn at(minutes: i64) -> Surroundings<'static> {
    Surroundings {
        now: minute(minutes),
        ..around(Some(ApplicationState::Running))
    }
}

#[test]
fn windows_and_a_held_task_hold_what_has_not_begun() {
    let closed = Cause::OutsideWindows {
        window: None,
        opens_at: None,
    };
    let outside = Surroundings {
        windows: Some(&closed),
        ..at(0)
    };
    let mut ordered = delivery(Wanted::Run, Needs::Running);
    assert_eq!(decide(&ordered, &outside), Step::Wait(closed.clone()));
    ordered.order.despite_windows = true;
    assert_eq!(decide(&ordered, &outside), Step::Start);
    // What had begun goes on, unless it is another attempt.
    let mut own_one = delivery(Wanted::Run, Needs::Running);
    own(&mut own_one);
    own_one.attempt = 1;
    assert_eq!(decide(&own_one, &outside), Step::Start);
    own(&mut own_one).retry = Some((minute(0), minute(0)));
    assert_eq!(decide(&own_one, &outside), Step::Wait(closed));

    let cause = Cause::Administrator;
    let held = Surroundings {
        held: Some(&cause),
        ..at(0)
    };
    own_one.attempt = 0;
    assert_eq!(decide(&own_one, &held), Step::Wait(cause.clone()));
    let ordered = delivery(Wanted::Run, Needs::Running);
    assert_eq!(decide(&ordered, &held), Step::Start);
}

#[test]
fn what_the_schedule_has_not_admitted_waits_for_its_time() {
    let mut delivery = delivery(Wanted::Run, Needs::Running);
    let own = own(&mut delivery);
    own.admitted = false;
    own.start_at = minute(5);
    let starts = Step::Wait(Cause::StartsAt { at: minute(5) });
    assert_eq!(decide(&delivery, &at(4)), starts);
    assert_eq!(decide(&delivery, &at(5)), Step::Nothing);
    delivery.order.wanted = Wanted::Pause;
    assert_eq!(decide(&delivery, &at(4)), Step::Stand);
    delivery.order.wanted = Wanted::Stop;
    assert!(matches!(decide(&delivery, &at(4)), Step::End(_)));
}

#[test]
fn another_attempt_waits_for_its_time_and_a_stop_ends_the_waiting() {
    let mut delivery = delivery(Wanted::Run, Needs::Running);
    own(&mut delivery).retry = Some((minute(20), minute(10)));
    delivery.attempt = 2;
    let again = |attempt| {
        Step::Wait(Cause::RetryAt {
            at: minute(20),
            attempt,
        })
    };
    assert_eq!(decide(&delivery, &at(19)), again(3));
    assert_eq!(decide(&delivery, &at(20)), Step::Start);
    // The clock was set back behind the failure.
    assert_eq!(decide(&delivery, &at(9)), Step::Start);
    delivery.order.wanted = Wanted::Stop;
    assert!(matches!(
        decide(&delivery, &at(19)),
        Step::End(End::Stopped { .. })
    ));
}

#[test]
fn the_schedule_stops_what_runs_too_long_or_gives_way() {
    let mut delivery = delivery(Wanted::Run, Needs::Running);
    own(&mut delivery).began_at = Some(minute(0));
    delivery.attempt = 1;
    let ask = |delivery: &Delivery, minutes| {
        let around = Surroundings {
            at_work: Some(&Control::Run),
            ..at(minutes)
        };
        decide(delivery, &around)
    };
    let after = Cause::StopAfter { minutes: 60 };
    assert_eq!(ask(&delivery, 59), Step::Nothing);
    assert_eq!(
        ask(&delivery, 60),
        Step::Control(Control::Stop(after.clone()))
    );
    let idle = Step::End(End::Stopped { cause: after });
    assert_eq!(decide(&delivery, &at(60)), idle);
    let later = Cause::LaterOccurrence { occurrence: None };
    own(&mut delivery).stop = Some(later.clone());
    assert_eq!(ask(&delivery, 1), Step::Control(Control::Stop(later)));
}

#[test]
fn one_of_a_task_runs_at_a_time() {
    let mut delivery = delivery(Wanted::Run, Needs::Running);
    let occurrence = own(&mut delivery).name;
    let cause = Cause::EarlierOccurrence { occurrence };
    let around = Surroundings {
        sibling: Some(cause.clone()),
        ..at(0)
    };
    assert_eq!(decide(&delivery, &around), Step::Wait(cause));
    // One that was cut off has its place.
    delivery.attempt = 1;
    assert_eq!(decide(&delivery, &around), Step::Start);
}
