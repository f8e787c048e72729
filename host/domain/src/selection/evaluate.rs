//! Asks a query of a device: a pure function of what is known.

use super::glob;
use super::query::{Condition, Query, Subject, Test};
use crate::application::comparable_version;
use crate::delivery::DeliveryState;
use crate::device::{ApplicationState, Device};
use crate::id::TaskId;
use jiff::Timestamp;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// What is known of a device and is not in itself.
#[derive(Debug, Clone, Copy)]
pub struct DeviceView<'a> {
    /// The path of its group, such as `/Servers/Berlin`; `/` for the root.
    pub group_path: &'a str,
    /// Whether its link is open.
    pub online: bool,
    /// Its tags.
    pub tags: &'a BTreeSet<String>,
    /// How tasks last ended on it, or stand: at least those of [`Query::tasks`].
    pub outcomes: &'a BTreeMap<TaskId, DeliveryState>,
}

impl Query {
    /// Whether a device is meant, at a moment.
    pub fn matches(&self, device: &Device, view: &DeviceView<'_>, now: Timestamp) -> bool {
        match self {
            Self::And(parts) => parts.iter().all(|part| part.matches(device, view, now)),
            Self::Or(parts) => parts.iter().any(|part| part.matches(device, view, now)),
            Self::Not(inner) => !inner.matches(device, view, now),
            Self::Is(condition) => condition.holds(device, view, now),
        }
    }
}

impl Condition {
    fn holds(&self, device: &Device, view: &DeviceView<'_>, now: Timestamp) -> bool {
        match self {
            Self::All => true,
            Self::Online => view.online,
            Self::NeverSeen => !view.online && device.last_seen.is_none(),
            Self::LastSeen(age) => {
                let last = device.last_seen.unwrap_or(device.enrolled_at);
                let seen = if view.online { now } else { last };
                age.holds(now.duration_since(seen))
            }
            Self::Enrolled(age) => age.holds(now.duration_since(device.enrolled_at)),
            Self::Installed(id) => device
                .application(id)
                .is_some_and(|found| found.state != ApplicationState::Absent),
            Self::Compare { subject, test } => {
                let exact = *subject == Subject::Group;
                test.holds(&subject.values(device, view), exact)
            }
        }
    }
}

impl Subject {
    fn values<'a>(&self, device: &'a Device, view: &DeviceView<'a>) -> Vec<Cow<'a, str>> {
        let one = |text: &'a str| vec![Cow::Borrowed(text)];
        let facts = &device.facts;
        match self {
            Self::Name => one(&device.name),
            Self::Group => one(view.group_path),
            Self::Platform => one(&facts.platform),
            Self::Architecture => one(&facts.architecture),
            Self::AgentVersion => one(&facts.agent_version),
            Self::Tag => view.tags.iter().map(|tag| Cow::Borrowed(&**tag)).collect(),
            Self::Fact(name) => facts.more.get(name).into_iter().map(Cow::from).collect(),
            Self::ApplicationState(id) => {
                let found = device.application(id).into_iter();
                found
                    .map(|found| Cow::Borrowed(found.state.as_str()))
                    .collect()
            }
            Self::ApplicationVersion(id) => {
                let found = device
                    .application(id)
                    .and_then(|found| found.version.as_ref());
                found.into_iter().map(Cow::from).collect()
            }
            Self::Outcome(task) => {
                let found = view.outcomes.get(task).into_iter();
                found.map(|state| Cow::Borrowed(state.as_str())).collect()
            }
        }
    }
}

impl Test {
    /// Whether it holds for one of these; `exact` if letters of either case are not the same.
    fn holds(&self, values: &[Cow<'_, str>], exact: bool) -> bool {
        let same = |value: &str, wanted: &str| {
            value == wanted || !exact && value.eq_ignore_ascii_case(wanted)
        };
        let any = |holds: &dyn Fn(&str) -> bool| values.iter().any(|value| holds(value));
        match self {
            Self::Known => !values.is_empty(),
            Self::Equal(wanted) => any(&|value| same(value, wanted)),
            Self::NotEqual(wanted) => !any(&|value| same(value, wanted)),
            Self::In(list) => any(&|value| list.iter().any(|wanted| same(value, wanted))),
            Self::Matches(pattern) => any(&|value| glob::fits(pattern, value)),
            Self::Below(path) => any(&|value| is_below(value, path)),
            Self::Ordered(order, wanted) => {
                let Some(wanted) = comparable_version(wanted) else {
                    return false;
                };
                any(&|value| {
                    comparable_version(value).is_some_and(|value| order.holds(value.cmp(&wanted)))
                })
            }
        }
    }
}

/// Whether a path is another one, or below it.
fn is_below(path: &str, top: &str) -> bool {
    let rest = path.strip_prefix(top.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
