//! Who it is.

use crate::exports::muster::plugin::describe::{
    ApplicationState, CapabilityRequest, Description, EventType, Example, Guest, Severity,
    TaskKind, TaskType,
};
use crate::has;
use serde_json::json;

fn schema() -> serde_json::Value {
    let mut schema = json!({
        "type": "object",
        "properties": {
            "path": { "title": "Path", "type": "string", "minLength": 1, "maxLength": 200 },
            "depth": { "title": "Depth", "type": "integer", "minimum": 0, "maximum": 1000, "default": 3 },
            "names": {
                "title": "Names",
                "type": "array",
                "items": { "type": "string", "maxLength": 100 },
                "maxItems": 20,
            },
            "mode": { "title": "Mode", "enum": ["quick", "full"], "default": "quick" },
        },
        "required": ["path"],
        "additionalProperties": false,
    });
    let settings = &mut schema["properties"];
    if has("schema-of-no-type") {
        settings["path"]["type"] = json!("text");
    }
    if has("default-above-maximum") {
        settings["depth"]["default"] = json!(1001);
    }
    if has("password-inline") {
        settings["proxy-password"] = json!({ "title": "Password of the proxy", "type": "string" });
    }
    if has("setting-untitled") {
        settings["mode"] = json!({ "enum": ["quick", "full"] });
    }
    schema
}

impl Guest for crate::Guest {
    fn describe() -> Description {
        if has("describe-traps") {
            panic!("it cannot say who it is");
        }
        let mut examples = vec![
            json!({ "path": "/srv" }),
            json!({ "path": "/srv/data", "depth": 5, "names": ["a", "b"], "mode": "full" }),
        ];
        if has("example-without-path") {
            examples.push(json!({ "depth": 1 }));
        }
        let asked = CapabilityRequest {
            name: "random".into(),
            reason: "Names of folders that must not collide.".into(),
        };
        Description {
            application: "org.example.faults".into(),
            name: "Faults".into(),
            vendor: "Example".into(),
            version: "1.0.0".into(),
            manages: "*".into(),
            capabilities: if has("imports-unasked") {
                vec![]
            } else {
                vec![asked]
            },
            limits: vec![],
            task_types: vec![TaskType {
                id: "act".into(),
                title: if has("title-empty") {
                    "".into()
                } else {
                    "Act".into()
                },
                summary: "Does something to a path.".into(),
                kinds: vec![TaskKind::Local, TaskKind::Group],
                settings_schema: schema().to_string(),
                schema_version: 3,
                examples: (0..)
                    .zip(examples)
                    .map(|(number, settings)| Example {
                        title: format!("Example {number}"),
                        settings: settings.to_string(),
                    })
                    .collect(),
                facts: vec!["os.id".into()],
                needs: ApplicationState::Running,
                marks: vec![],
                time_limit: 600,
                event_types: vec![EventType {
                    id: "found".into(),
                    title: "Found".into(),
                    severity: Severity::Warning,
                    fields_schema: json!({
                        "type": "object",
                        "properties": { "file": { "type": "string" } },
                        "required": ["file"],
                    })
                    .to_string(),
                }],
                more: vec![],
            }],
            more: vec![],
        }
    }
}
