//! A description of major version 1, in the words of the domain.

use super::bindings::exports::muster::plugin::describe as wit;
use crate::check::Faults;
use muster_domain::application::{
    CapabilityRequest, Description, EventType, Example, Limit, LimitRequest, Mark, Needs, TaskKind,
    TaskType,
};
use muster_domain::event::Severity;
use muster_domain::settings::Settings;
use std::fmt::Display;

/// Takes what a description says as what it is to be. Every text that cannot be taken so is a
/// fault, with its place; what else can be wrong is not looked at here.
pub(crate) fn read(description: wit::Description) -> Result<Description, Faults> {
    let mut faults = Faults::default();
    let application = parsed(&mut faults, "application", &description.application);
    let version = parsed(&mut faults, "version", &description.version);
    let manages = parsed(&mut faults, "manages", &description.manages);
    let task_types: Vec<_> = description
        .task_types
        .into_iter()
        .enumerate()
        .filter_map(|(number, task_type)| {
            read_task_type(&mut faults, &format!("task-types/{number}"), task_type)
        })
        .collect();
    let (Some(application), Some(version), Some(manages), true) =
        (application, version, manages, faults.is_empty())
    else {
        return Err(faults);
    };
    Ok(Description {
        application,
        name: description.name,
        vendor: description.vendor,
        version,
        manages,
        capabilities: description
            .capabilities
            .into_iter()
            .map(|request| CapabilityRequest {
                name: request.name,
                reason: request.reason,
            })
            .collect(),
        limits: description.limits.into_iter().map(limit_request).collect(),
        task_types,
        more: description.more,
    })
}

fn read_task_type(faults: &mut Faults, place: &str, task_type: wit::TaskType) -> Option<TaskType> {
    let id = parsed(faults, &format!("{place}/id"), &task_type.id);
    let settings_schema = json(
        faults,
        &format!("{place}/settings-schema"),
        &task_type.settings_schema,
    );
    let examples = task_type
        .examples
        .into_iter()
        .enumerate()
        .filter_map(|(number, example)| {
            let settings = Settings::parse(&example.settings)
                .map_err(|finding| {
                    faults.add(&format!("{place}/examples/{number}/settings"), finding.text);
                })
                .ok()?;
            Some(Example {
                title: example.title,
                settings,
            })
        })
        .collect();
    let event_types = task_type
        .event_types
        .into_iter()
        .enumerate()
        .filter_map(|(number, event_type)| {
            read_event_type(faults, &format!("{place}/event-types/{number}"), event_type)
        })
        .collect();
    Some(TaskType {
        id: id?,
        title: task_type.title,
        summary: task_type.summary,
        kinds: task_type.kinds.into_iter().map(kind).collect(),
        settings_schema: settings_schema?,
        schema_version: task_type.schema_version,
        examples,
        facts: task_type.facts,
        needs: match task_type.needs {
            wit::ApplicationState::Running => Needs::Running,
            wit::ApplicationState::Installed => Needs::Installed,
            wit::ApplicationState::Nothing => Needs::Nothing,
        },
        marks: task_type.marks.into_iter().map(mark).collect(),
        time_limit: task_type.time_limit,
        event_types,
        more: task_type.more,
    })
}

fn read_event_type(
    faults: &mut Faults,
    place: &str,
    event_type: wit::EventType,
) -> Option<EventType> {
    let id = parsed(faults, &format!("{place}/id"), &event_type.id);
    let fields_schema = json(
        faults,
        &format!("{place}/fields-schema"),
        &event_type.fields_schema,
    );
    Some(EventType {
        id: id?,
        title: event_type.title,
        severity: match event_type.severity {
            wit::Severity::Info => Severity::Info,
            wit::Severity::Warning => Severity::Warning,
            wit::Severity::Critical => Severity::Critical,
        },
        fields_schema: fields_schema?,
    })
}

fn parsed<T: std::str::FromStr<Err: Display>>(
    faults: &mut Faults,
    place: &str,
    text: &str,
) -> Option<T> {
    text.parse().map_err(|error| faults.add(place, error)).ok()
}

fn json(faults: &mut Faults, place: &str, text: &str) -> Option<serde_json::Value> {
    serde_json::from_str(text)
        .map_err(|error| faults.add(place, format!("it is no JSON: {error}")))
        .ok()
}

fn limit_request(request: wit::LimitRequest) -> LimitRequest {
    let limit = match request.limit {
        wit::Limit::Memory => Limit::Memory,
        wit::Limit::ValidateTime => Limit::ValidateTime,
        wit::Limit::BatchTime => Limit::BatchTime,
    };
    LimitRequest {
        limit,
        value: request.value,
        reason: request.reason,
    }
}

fn kind(kind: wit::TaskKind) -> TaskKind {
    match kind {
        wit::TaskKind::Server => TaskKind::Server,
        wit::TaskKind::Local => TaskKind::Local,
        wit::TaskKind::Group => TaskKind::Group,
        wit::TaskKind::Global => TaskKind::Global,
    }
}

fn mark(mark: wit::Mark) -> Mark {
    match mark {
        wit::Mark::Exclusive => Mark::Exclusive,
        wit::Mark::Destructive => Mark::Destructive,
        wit::Mark::OneOfAKind => Mark::OneOfAKind,
    }
}
