//! From when on a task is a device's matter.

use jiff::Timestamp;
use muster_domain::device::Device;
use muster_domain::schedule::When;
use muster_domain::scope::Scope;
use muster_domain::task::Task;
use muster_storage::assignment::AssignmentRow;
use muster_storage::task::ScheduleStanding;

/// What came due up to this moment is no matter of the device's: neither what came before the task
/// had its schedule, nor what came before the device came into the task's group or selection. What is
/// due but once is the matter of whoever comes into it later, too.
pub(super) fn since(
    task: &Task,
    standing: &ScheduleStanding,
    device: &Device,
    member_since: Option<Timestamp>,
    told: Option<&AssignmentRow>,
) -> Timestamp {
    let once = task
        .revision
        .schedule
        .as_ref()
        .is_some_and(|schedule| matches!(schedule.when, When::Once { .. } | When::Immediately));
    let came = match &task.scope {
        Scope::Group { .. } if !once => device.group_since,
        Scope::Selection { .. } if !once => member_since.unwrap_or(standing.since),
        _ => standing.since,
    };
    let before = told.filter(|told| !told.withdrawn);
    let before = before.and_then(|told| told.since);
    standing.since.max(before.unwrap_or(came))
}
