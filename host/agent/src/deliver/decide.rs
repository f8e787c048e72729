//! Decide: what is to be done next about one delivery. No I/O: what is known goes in, one step
//! comes out.

use crate::execute::control::Control;
use crate::secrets::Awaited;
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
    /// Why no delivery may begin on the device now, by its windows.
    pub(super) windows: Option<&'a Cause>,
    /// Why its task does not start for now, where the device starts it by itself.
    pub(super) held: Option<&'a Cause>,
    /// What of its own task it has to wait for, where the device starts it by itself.
    pub(super) sibling: Option<Cause>,
    /// The delivery that it has to wait for.
    pub(super) blocked_by: Option<RunId>,
    /// How it stands with its secrets, once they are all that was missing.
    pub(super) secrets: Option<Awaited>,
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
    /// All is ready, but for the secrets that are asked for.
    AwaitSecrets,
    Start,
    /// Change what is wanted of the command at work.
    Control(Control),
    /// It is over without having begun.
    End(End),
}

impl Step {
    /// Whether later deliveries have to stand behind it.
    pub(super) fn claims(&self) -> bool {
        matches!(
            self,
            Self::Queue(_) | Self::AwaitCommand | Self::AwaitSecrets | Self::Start
        )
    }
}

pub(super) fn decide(delivery: &Delivery, around: &Surroundings<'_>) -> Step {
    match around.at_work {
        Some(control) => decide_at_work(delivery, control, around),
        None => decide_idle(delivery, around),
    }
}

fn decide_at_work(delivery: &Delivery, control: &Control, around: &Surroundings<'_>) -> Step {
    let order = &delivery.order;
    let lost = order.needs == Needs::Running
        && around
            .application
            .is_some_and(|state| !state.satisfies(order.needs));
    let wanted = match (order.wanted, over(delivery, around.now)) {
        (Wanted::Stop, _) => Control::Stop(Cause::Administrator),
        (_, Some(cause)) => Control::Stop(cause),
        _ if lost => Control::Stop(Cause::ApplicationStopped),
        (Wanted::Pause, _) => Control::Pause,
        (Wanted::Run, _) => Control::Run,
    };
    // What was stopped stays so, whatever is wanted afterwards.
    if *control == wanted || matches!(control, Control::Stop(_) | Control::Interrupt) {
        Step::Nothing
    } else {
        Step::Control(wanted)
    }
}

/// Why the device's user, or the schedule, ends it.
fn over(delivery: &Delivery, now: Timestamp) -> Option<Cause> {
    if delivery.stopped.is_some() {
        return delivery.stopped.clone();
    }
    let own = delivery.occurrence.as_ref()?;
    let (stop_at, minutes) = own
        .began_at
        .and_then(|began| own.rules.stop_at(began))
        .unzip();
    let stop_after = minutes.filter(|_| stop_at.is_some_and(|at| at <= now));
    let stop_after = stop_after.map(|minutes| Cause::StopAfter { minutes });
    own.stop.clone().or(stop_after)
}

/// Until when it waits by its schedule: for its start, or for another attempt.
fn later(delivery: &Delivery, now: Timestamp) -> Option<Step> {
    let own = delivery.occurrence.as_ref()?;
    if !own.admitted {
        let at = own.start_at;
        let waits = at > now;
        return Some(if waits {
            Step::Wait(Cause::StartsAt { at })
        } else {
            // The schedule has the next word.
            Step::Nothing
        });
    }
    let (at, failed_at) = own.retry?;
    // A clock that was set back behind the failure cannot say how long to wait.
    let waits = (failed_at..at).contains(&now);
    let attempt = delivery.attempt + 1;
    waits.then_some(Step::Wait(Cause::RetryAt { at, attempt }))
}

fn decide_idle(delivery: &Delivery, around: &Surroundings<'_>) -> Step {
    let order = &delivery.order;
    let refused = |reason: String| Step::End(End::Refused { reason });
    if order.wanted == Wanted::Stop {
        return Step::End(End::Stopped {
            cause: Cause::Administrator,
        });
    }
    if let Some(cause) = over(delivery, around.now) {
        return Step::End(End::Stopped { cause });
    }
    if delivery.attempt == 0 && around.now > order.valid_until {
        return refused(format!(
            "the order was valid until {:.0} and could not be begun before",
            order.valid_until
        ));
    }
    let own = delivery.occurrence.as_ref();
    let cut_off = delivery
        .attempt
        .saturating_sub(own.map_or(0, |own| own.failures));
    if cut_off >= around.most_attempts {
        return refused(format!(
            "it was begun {cut_off} times, and each time the agent was ended in the middle"
        ));
    }
    if order.wanted == Wanted::Pause {
        return if delivery.state == State::Paused {
            Step::Nothing
        } else {
            Step::Stand
        };
    }
    if let Some(step) = later(delivery, around.now) {
        return step;
    }
    let tried_again = own.is_some_and(|own| own.retry.is_some());
    if delivery.attempt == 0 || tried_again {
        let held = around.held.filter(|_| own.is_some());
        let windows = around.windows.filter(|_| !order.despite_windows);
        if let Some(cause) = held.or(windows) {
            return Step::Wait(cause.clone());
        }
    }
    match around.application {
        None => return Step::Wait(Cause::NoConnector),
        Some(state) if state.satisfies(order.needs) => {}
        Some(ApplicationState::Absent) => return Step::Wait(Cause::ApplicationNotInstalled),
        Some(_) => return Step::Wait(Cause::ApplicationNotRunning),
    }
    if let Some(cause) = around.sibling.clone().filter(|_| delivery.attempt == 0) {
        return Step::Wait(cause);
    }
    if let Some(Awaited::Unavailable(cause)) = &around.secrets {
        return Step::Wait(cause.clone());
    }
    match around.blocked_by {
        Some(run) => Step::Queue(run),
        None if !delivery.has_command => Step::AwaitCommand,
        None if around.secrets.is_some() => Step::AwaitSecrets,
        None => Step::Start,
    }
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
