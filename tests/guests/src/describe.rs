//! Descriptions, good and bad.

use crate::exports::muster::plugin::describe::{
    ApplicationState, CapabilityRequest, Description, EventType, Example, Guest, Limit,
    LimitRequest, Severity, TaskKind, TaskType,
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
            "application-control-characters" => it.application = "org.example\u{7}.guest".into(),
            "name-bidirectional" => it.name = "Guest \u{202e}tseuG".into(),
            "title-control-characters" => first.title = "Act\u{1b}[2J".into(),
            "capability-bad-name" => {
                it.capabilities = vec![CapabilityRequest {
                    name: "../files".into(),
                    reason: "Because.".into(),
                }]
            }
            "limit-twice" => {
                let request = || LimitRequest {
                    limit: Limit::Memory,
                    value: u32::MAX,
                    reason: "Because.".into(),
                };
                it.limits = vec![request(), request()];
            }
            "facts-many" => first.facts = (0..51).map(|n| format!("fact.{n}")).collect(),
            "more-many" => it.more = vec![("x".into(), "y".into()); 101],
            "summary-empty" => first.summary = " ".into(),
            "kind-twice" => first.kinds.push(TaskKind::Local),
            "time-limit-endless" => first.time_limit = u32::MAX,
            "examples-many" => {
                let example = first.examples[0].clone();
                first.examples = vec![example; 101];
            }
            "example-not-json" => first.examples[0].settings = "{do: 1}".into(),
            "example-deep" => {
                first.examples[0].settings =
                    format!("{}{}", r#"{"do":"#.repeat(10_000), "}".repeat(10_000));
            }
            "event-schema-not-schema" => {
                first.event_types[0].fields_schema = r#"{"required": "file"}"#.into()
            }
            "schema-refers-to-network" => {
                first.settings_schema = r#"{"$ref": "https://example.org/schema"}"#.into()
            }
            "schema-dynamic" => first.settings_schema = r##"{"$dynamicRef": "#x"}"##.into(),
            "schema-enum-huge" => {
                let values: Vec<String> = (0..100_000).map(|n| n.to_string()).collect();
                first.settings_schema = format!(
                    r#"{{"properties": {{"do": {{"enum": [{}]}}}}}}"#,
                    values.join(",")
                );
            }
            "schema-backtracks" => {
                first.settings_schema = with_pattern("^(([a-z])+.)+[A-Z]([a-z])+$")
            }
            "schema-look-around" => first.settings_schema = with_pattern("^(?=(a+)+$)(?!b)"),
            "schema-patterns-many" => {
                let many: Vec<String> = (0..201)
                    .map(|n| format!(r#""p{n}": {{"pattern": "^x{n}"}}"#))
                    .collect();
                first.settings_schema = format!(r#"{{"properties": {{{}}}}}"#, many.join(","));
            }
            "schema-levels-many" => {
                let steps: Vec<String> = (0..5000)
                    .map(|n| format!(r##""s{n}": {{"$ref": "#/$defs/s{}"}}"##, n + 1))
                    .collect();
                first.settings_schema = format!(
                    r##"{{"$defs": {{{}, "s5000": {{}}}}, "$ref": "#/$defs/s0"}}"##,
                    steps.join(",")
                );
            }
            "schema-not-object" => first.settings_schema = "true".into(),
            "event-types-many" => {
                let event = first.event_types[0].clone();
                first.event_types = (0..101)
                    .map(|n| EventType {
                        id: format!("e{n}"),
                        ..event.clone()
                    })
                    .collect();
            }
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

fn with_pattern(pattern: &str) -> String {
    format!(
        r#"{{"type": "object", "properties": {{"do": {{"type": "string", "pattern": "{pattern}"}}}}}}"#
    )
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
