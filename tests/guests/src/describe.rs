//! Descriptions, good and bad.

use crate::exports::muster::plugin::describe::{
    ApplicationState, Description, EventType, Example, Guest, Severity, TaskKind, TaskType,
};
use crate::{behaviour, misdeeds};

const SCHEMA: &str = r#"{"type": "object", "properties": {"do": {"type": "string", "maxLength": 40}},
    "additionalProperties": false}"#;
const FIELDS: &str = r#"{"type": "object", "required": ["file"], "properties": {"file": {"type": "string"}},
    "additionalProperties": false}"#;

impl Guest for crate::Guest {
    fn describe() -> Description {
        let mut it = well();
        let first = &mut it.task_types[0];
        match behaviour().as_str() {
            "describe-loops" => misdeeds::loop_for_ever(),
            "describe-traps" => misdeeds::trap(),
            "describe-panics" => misdeeds::give_up_if("panic"),
            "describe-eats-memory" => misdeeds::eat_memory(),
            "describe-recurses" => misdeeds::give_up_if("recurse"),
            "describe-giant" => it.name = "x".repeat(2 << 20),
            "describe-calls-wasi" => misdeeds::give_up_if("call-wasi"),
            "application-bad" => it.application = "clamav".into(),
            "version-bad" => it.version = "1.0".into(),
            "manages-bad" => it.manages = "newest".into(),
            "name-too-long" => it.name = "x".repeat(101),
            "task-types-none" => it.task_types.clear(),
            "task-types-101" => {
                it.task_types = (0..101)
                    .map(|number| task_type(&format!("t{number}")))
                    .collect()
            }
            "task-type-twice" => it.task_types.push(task_type("act")),
            "task-type-bad-id" => first.id = "Act now!".into(),
            "kinds-none" => first.kinds.clear(),
            "time-limit-zero" => first.time_limit = 0,
            "schema-version-zero" => first.schema_version = 0,
            "schema-version-without-migrate" => first.schema_version = 2,
            "schema-not-json" => first.settings_schema = "{".into(),
            "schema-not-schema" => {
                first.settings_schema = r#"{"type": "objct", "maxLength": -1}"#.into()
            }
            "schema-other-dialect" => {
                first.settings_schema =
                    r#"{"$schema": "http://json-schema.org/draft-04/schema#"}"#.into();
            }
            "schema-refers-outside" => {
                first.settings_schema =
                    r#"{"properties": {"a": {"$ref": "file:///etc/passwd"}}}"#.into();
            }
            "schema-circle" => first.settings_schema = r##"{"allOf": [{"$ref": "#"}]}"##.into(),
            "schema-doubles" => first.settings_schema = doubles(),
            "schema-deep" => {
                first.settings_schema =
                    format!("{}{}", r#"{"not":"#.repeat(100_000), "}".repeat(100_000));
            }
            "schema-bad-regex" => {
                first.settings_schema = r#"{"properties": {"do": {"pattern": "("}}}"#.into()
            }
            "schema-huge-regex" => {
                first.settings_schema =
                    r#"{"properties": {"do": {"pattern": "((a{999}){999}){999}"}}}"#.into();
            }
            "examples-none" => first.examples.clear(),
            "example-against-schema" => {
                first.examples[0].settings = r#"{"do": 1, "else": 2}"#.into()
            }
            "example-against-validate" => first.examples[0].settings = r#"{"do": "find"}"#.into(),
            "event-type-twice" => first.event_types.push(first.event_types[0].clone()),
            _ => {}
        }
        it
    }
}

fn well() -> Description {
    Description {
        application: "org.example.guest".into(),
        name: "Guest".into(),
        vendor: "Example".into(),
        version: "1.2.3".into(),
        manages: "*".into(),
        capabilities: vec![],
        limits: vec![],
        task_types: vec![task_type("act")],
        more: vec![],
    }
}

fn task_type(id: &str) -> TaskType {
    TaskType {
        id: id.into(),
        title: "Act".into(),
        summary: "Does what the settings say.".into(),
        kinds: vec![TaskKind::Local, TaskKind::Group],
        settings_schema: SCHEMA.into(),
        schema_version: 1,
        examples: vec![Example {
            title: "Nothing".into(),
            settings: "{}".into(),
        }],
        facts: vec!["os.id".into()],
        needs: ApplicationState::Running,
        marks: vec![],
        time_limit: 60,
        event_types: vec![EventType {
            id: "found".into(),
            title: "Found".into(),
            severity: Severity::Warning,
            fields_schema: FIELDS.into(),
        }],
        more: vec![],
    }
}

fn doubles() -> String {
    let steps: Vec<String> = (0..60)
        .map(|step| {
            let next = format!(r##"{{"$ref": "#/$defs/s{}"}}"##, step + 1);
            format!(r#""s{step}": {{"allOf": [{next}, {next}]}}"#)
        })
        .collect();
    format!(
        r##"{{"$defs": {{{}, "s60": {{}}}}, "$ref": "#/$defs/s0"}}"##,
        steps.join(", ")
    )
}
