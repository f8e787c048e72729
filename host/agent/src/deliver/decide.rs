//! Decide: what is to be done next about one delivery. No I/O: what is known goes in, one step
//! comes out.

use crate::execute::control::Control;
use crate::store::delivery::{Delivery, State};
use jiff::Timestamp;
use muster_agent_protocol::message::End;
use muster_domain::RunId;
use muster_domain::application::Needs;
use muster_domain::delivery::{Cause, Wanted};
use muster_domain::device::ApplicationState;

/// What is known of a delivery's surroundings.
pub(super) struct Surroundings<'a> {
    /// What is wanted of its command at work; none if no command is.
    pub(super) at_work: Option<&'a Control>,
    /// How its application stands; none without a connector.
    pub(super) application: Option<ApplicationState>,
    /// The delivery that it has to wait for.
    pub(super) blocked_by: Option<RunId>,
    pub(super) most_attempts: u32,
    pub(super) now: Timestamp,
}

/// What is to be done next.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    Nothing,
    /// Nothing, and say why.
    Wait(Cause),
    /// It has not begun and stands still.
    Stand,
    /// All is ready, but for another delivery.
    Queue(RunId),
    /// All is ready, but for its command's body.
    AwaitCommand,
    Start,
    /// Change what is wanted of the command at work.
    Control(Control),
    /// It is over without having begun.
    End(End),
}

impl Step {
    /// Whether later deliveries have to stand behind it.
    pub(super) fn claims(&self) -> bool {
        matches!(self, Self::Queue(_) | Self::AwaitCommand | Self::Start)
    }
}

pub(super) fn decide(delivery: &Delivery, around: &Surroundings<'_>) -> Step {
    match around.at_work {
        Some(control) => decide_at_work(delivery, control, around.application),
        None => decide_idle(delivery, around),
    }
}

fn decide_at_work(
    delivery: &Delivery,
    control: &Control,
    application: Option<ApplicationState>,
) -> Step {
    let order = &delivery.order;
    let lost = order.needs == Needs::Running
        && application.is_some_and(|state| !state.satisfies(order.needs));
    let wanted = match order.wanted {
        Wanted::Stop => Control::Stop(Cause::Administrator),
        _ if lost => Control::Stop(Cause::ApplicationStopped),
        Wanted::Pause => Control::Pause,
        Wanted::Run => Control::Run,
    };
    // What was stopped stays so, whatever is wanted afterwards.
    if *control == wanted || matches!(control, Control::Stop(_) | Control::Interrupt) {
        Step::Nothing
    } else {
        Step::Control(wanted)
    }
}

fn decide_idle(delivery: &Delivery, around: &Surroundings<'_>) -> Step {
    let order = &delivery.order;
    let refused = |reason: String| Step::End(End::Refused { reason });
    if order.wanted == Wanted::Stop {
        return Step::End(End::Stopped {
            cause: Cause::Administrator,
        });
    }
    if delivery.attempt == 0 && around.now > order.valid_until {
        return refused(format!(
            "the order was valid until {:.0} and could not be begun before",
            order.valid_until
        ));
    }
    if delivery.attempt >= around.most_attempts {
        return refused(format!(
            "it was begun {} times, and each time the agent was ended in the middle",
            delivery.attempt
        ));
    }
    if order.wanted == Wanted::Pause {
        return if delivery.state == State::Paused {
            Step::Nothing
        } else {
            Step::Stand
        };
    }
    match around.application {
        None => return Step::Wait(Cause::NoConnector),
        Some(state) if state.satisfies(order.needs) => {}
        Some(ApplicationState::Absent) => return Step::Wait(Cause::ApplicationNotInstalled),
        Some(_) => return Step::Wait(Cause::ApplicationNotRunning),
    }
    match around.blocked_by {
        Some(run) => Step::Queue(run),
        None if !delivery.has_command => Step::AwaitCommand,
        None => Step::Start,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use muster_agent_protocol::order::Order;
    use muster_domain::{DeviceId, Digest, TaskId};

    fn delivery(wanted: Wanted, needs: Needs) -> Delivery {
        Delivery {
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
            },
            state: State::Waiting,
            cause: None,
            attempt: 0,
            session: None,
            leader: None,
            end: None,
            has_command: true,
            changed_at: Timestamp::UNIX_EPOCH,
        }
    }

    fn around(application: Option<ApplicationState>) -> Surroundings<'static> {
        Surroundings {
            at_work: None,
            application,
            blocked_by: None,
            most_attempts: 3,
            now: Timestamp::UNIX_EPOCH,
        }
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
}
