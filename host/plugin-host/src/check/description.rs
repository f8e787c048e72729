//! A description, in the domain's words already: is it one that the server can live with?

use super::Faults;
use super::schema::Schema;
use crate::capability::log::cut;
use muster_domain::TaskTypeId;
use muster_domain::application::{Description, EventType, TaskType};
use muster_domain::grant::Capability;
use std::collections::HashMap;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Task types of a plug-in.
const MOST_TASK_TYPES: usize = 100;
/// Examples, or event types, of a task type.
const MOST_OF_A_TASK_TYPE: usize = 100;
/// Seconds of the longest time limit: 30 days.
pub(super) const MOST_TIME: u32 = 30 * 24 * 3600;
/// How long compiling all schemas of a plug-in may take.
const SCHEMA_TIME: Duration = Duration::from_secs(5);

/// The compiled schemas of one task type.
#[derive(Debug)]
pub(crate) struct TaskTypeSchemas {
    pub(crate) settings: Schema,
    pub(crate) events: HashMap<String, (TaskTypeId, Schema)>,
}

/// The compiled schemas of a plug-in, by task type. Those that the gate did not compile just now
/// are compiled when they are first wanted.
#[derive(Debug)]
pub(crate) struct Schemas(HashMap<TaskTypeId, OnceLock<Result<TaskTypeSchemas, String>>>);

impl Schemas {
    /// Of a description that was checked before.
    pub(crate) fn of(description: &Description) -> Self {
        let each = description.task_types.iter();
        Self(
            each.map(|task_type| (task_type.id.clone(), OnceLock::new()))
                .collect(),
        )
    }

    /// Those of a task type of the description.
    pub(crate) fn get(&self, task_type: &TaskType) -> Result<&TaskTypeSchemas, String> {
        let slot = self.0.get(&task_type.id);
        let slot = slot.ok_or_else(|| format!("there is no task type {}", task_type.id))?;
        let compiled = slot.get_or_init(|| {
            let mut faults = Faults::default();
            let compiled = compile(&mut faults, task_type.id.as_str(), task_type);
            match (compiled, faults.into_result()) {
                (Some(compiled), Ok(())) => Ok(compiled),
                (_, Err(why)) => Err(why),
                (None, Ok(())) => Err("its schema does not compile".to_owned()),
            }
        });
        compiled.as_ref().map_err(Clone::clone)
    }
}

/// Checks all that can be told without asking the plug-in, and compiles the schemas.
pub(crate) fn check(description: &Description) -> Result<Schemas, Faults> {
    let mut faults = Faults::default();
    faults.label("name", &description.name, 100);
    faults.label("vendor", &description.vendor, 100);
    faults.more("more", &description.more);
    check_requests(&mut faults, description);
    let task_types = &description.task_types;
    if task_types.is_empty() {
        faults.add("task-types", "there is none; a plug-in has at least one");
    }
    faults.count("task-types", task_types, MOST_TASK_TYPES);
    faults.unique(
        "task-types",
        task_types.iter().map(|task_type| task_type.id.as_str()),
    );
    let deadline = Instant::now() + SCHEMA_TIME;
    let mut schemas = HashMap::new();
    for (number, task_type) in task_types.iter().enumerate().take(MOST_TASK_TYPES) {
        let place = format!("task-types/{number}");
        check_task_type(&mut faults, &place, task_type);
        if Instant::now() > deadline {
            faults.add(
                &place,
                format_args!(
                    "compiling the schemas took longer than {} s",
                    SCHEMA_TIME.as_secs()
                ),
            );
            break;
        }
        if let Some(compiled) = compile(&mut faults, &place, task_type) {
            schemas.insert(task_type.id.clone(), OnceLock::from(Ok(compiled)));
        }
    }
    if faults.is_empty() {
        Ok(Schemas(schemas))
    } else {
        Err(faults)
    }
}

fn check_requests(faults: &mut Faults, description: &Description) {
    faults.count("capabilities", &description.capabilities, 50);
    faults.unique(
        "capabilities",
        description
            .capabilities
            .iter()
            .map(|request| request.name.as_str()),
    );
    for request in &description.capabilities {
        let known = Capability::ALL.map(Capability::name);
        if !known.contains(&request.name.as_str()) {
            faults.add(
                "capabilities",
                format_args!(
                    "there is no {:?} on this server; it offers {}",
                    cut(&request.name, 100),
                    known.join(", ")
                ),
            );
        }
        faults.label("capabilities", &request.reason, 1000);
    }
    faults.count("limits", &description.limits, 10);
    for (number, request) in description.limits.iter().enumerate() {
        faults.label(&format!("limits/{number}/reason"), &request.reason, 1000);
        if request.value == 0 {
            faults.add(
                &format!("limits/{number}/value"),
                "no plug-in can do with 0",
            );
        }
        if description
            .limits
            .iter()
            .take(number)
            .any(|earlier| earlier.limit == request.limit)
        {
            faults.add(&format!("limits/{number}"), "this limit stands there twice");
        }
    }
}

fn check_task_type(faults: &mut Faults, place: &str, task_type: &TaskType) {
    faults.label(&format!("{place}/title"), &task_type.title, 100);
    faults.label(&format!("{place}/summary"), &task_type.summary, 1000);
    if task_type.kinds.is_empty() {
        faults.add(
            &format!("{place}/kinds"),
            "there is none; a task type is for at least one kind of task",
        );
    }
    no_duplicates(faults, &format!("{place}/kinds"), &task_type.kinds);
    no_duplicates(faults, &format!("{place}/marks"), &task_type.marks);
    if task_type.schema_version == 0 {
        faults.add(&format!("{place}/schema-version"), "the first version is 1");
    }
    if task_type.time_limit == 0 || task_type.time_limit > MOST_TIME {
        faults.add(
            &format!("{place}/time-limit"),
            format_args!(
                "{} s is no time limit; it is 1 to {MOST_TIME} s",
                task_type.time_limit
            ),
        );
    }
    if task_type.examples.is_empty() {
        faults.add(
            &format!("{place}/examples"),
            "there is none; a task type has at least one",
        );
    }
    faults.count(
        &format!("{place}/examples"),
        &task_type.examples,
        MOST_OF_A_TASK_TYPE,
    );
    for (number, example) in task_type
        .examples
        .iter()
        .enumerate()
        .take(MOST_OF_A_TASK_TYPE)
    {
        faults.label(
            &format!("{place}/examples/{number}/title"),
            &example.title,
            100,
        );
    }
    faults.count(&format!("{place}/facts"), &task_type.facts, 50);
    faults.unique(
        &format!("{place}/facts"),
        task_type.facts.iter().map(String::as_str),
    );
    for fact in &task_type.facts {
        faults.label(&format!("{place}/facts"), fact, 100);
    }
    faults.count(
        &format!("{place}/event-types"),
        &task_type.event_types,
        MOST_OF_A_TASK_TYPE,
    );
    faults.unique(
        &format!("{place}/event-types"),
        task_type.event_types.iter().map(|event| event.id.as_str()),
    );
    for (number, event) in task_type
        .event_types
        .iter()
        .enumerate()
        .take(MOST_OF_A_TASK_TYPE)
    {
        faults.label(
            &format!("{place}/event-types/{number}/title"),
            &event.title,
            100,
        );
    }
    faults.more(&format!("{place}/more"), &task_type.more);
}

fn no_duplicates<T: PartialEq>(faults: &mut Faults, place: &str, list: &[T]) {
    if list
        .iter()
        .enumerate()
        .any(|(number, one)| list.iter().take(number).any(|earlier| earlier == one))
    {
        faults.add(place, "something stands there twice");
    }
}

fn compile(faults: &mut Faults, place: &str, task_type: &TaskType) -> Option<TaskTypeSchemas> {
    let settings = compile_one(
        faults,
        &format!("{place}/settings-schema"),
        &task_type.settings_schema,
    );
    if let Some(settings) = &settings {
        check_examples(faults, place, task_type, settings);
    }
    let mut events = HashMap::new();
    for (
        number,
        EventType {
            id, fields_schema, ..
        },
    ) in task_type
        .event_types
        .iter()
        .enumerate()
        .take(MOST_OF_A_TASK_TYPE)
    {
        let schema = compile_one(
            faults,
            &format!("{place}/event-types/{number}/fields-schema"),
            fields_schema,
        );
        if let Some(schema) = schema {
            events.insert(id.as_str().to_owned(), (id.clone(), schema));
        }
    }
    Some(TaskTypeSchemas {
        settings: settings?,
        events,
    })
}

fn compile_one(faults: &mut Faults, place: &str, schema: &serde_json::Value) -> Option<Schema> {
    let compiled = Schema::compile(schema);
    compiled
        .map_err(|lines| lines.iter().for_each(|line| faults.add_line(place, line)))
        .ok()
}

fn check_examples(faults: &mut Faults, place: &str, task_type: &TaskType, schema: &Schema) {
    for (number, example) in task_type
        .examples
        .iter()
        .enumerate()
        .take(MOST_OF_A_TASK_TYPE)
    {
        let place = format!("{place}/examples/{number}/settings");
        match schema.findings(&example.settings.to_value()) {
            Ok(findings) => {
                for finding in findings {
                    faults.add(
                        &format!("{place}{}", finding.pointer),
                        format_args!("the task type's own schema refuses it: {}", finding.text),
                    );
                }
            }
            Err(fault) => faults.add(&place, fault),
        }
    }
}
