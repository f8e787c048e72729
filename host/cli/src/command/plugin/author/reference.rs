//! `muster plugin docs`: a reference of the task types, as Markdown.

use crate::command::settings::{Field, Widget, fields, plain};
use crate::output::word;
use crate::time::seconds;
use muster_domain::application::{Description, EventType, TaskType};
use std::fmt::Write as _;

/// What each task type answers for the platforms that were asked about.
pub(super) struct Platforms<'a> {
    pub(super) task_type: &'a str,
    /// A platform, and why it is not supported if it is not.
    pub(super) answers: Vec<(String, Option<String>)>,
}

/// The whole page.
pub(super) fn page(description: &Description, platforms: &[Platforms<'_>]) -> String {
    let mut page = format!(
        "# {}\n\nManagement plug-in {} by {}, for `{}`, versions `{}`.\n",
        text(&description.name),
        description.version,
        text(&description.vendor),
        description.application,
        description.manages,
    );
    if !description.capabilities.is_empty() || !description.limits.is_empty() {
        page.push_str("\n## What it asks for\n\n| right | reason |\n|---|---|\n");
        for asked in &description.capabilities {
            let _ = writeln!(page, "| `{}` | {} |", asked.name, text(&asked.reason));
        }
        for asked in &description.limits {
            let _ = writeln!(
                page,
                "| `{}` {} {} | {} |",
                asked.limit,
                asked.value,
                asked.limit.unit(),
                text(&asked.reason)
            );
        }
    }
    page.push_str("\n## Task types\n\n| task type | what it does |\n|---|---|\n");
    for task_type in &description.task_types {
        let _ = writeln!(
            page,
            "| [`{id}`](#{id}) | {} |",
            text(&task_type.summary),
            id = task_type.id
        );
    }
    for task_type in &description.task_types {
        let platforms = platforms
            .iter()
            .find(|one| one.task_type == task_type.id.as_str());
        section(&mut page, task_type, platforms);
    }
    page
}

fn section(page: &mut String, task_type: &TaskType, platforms: Option<&Platforms<'_>>) {
    let words = |words: Vec<String>| words.join(", ");
    let _ = write!(
        page,
        "\n## {}\n\n**{}.** {}\n\nFor tasks: {}. Needs the application: {}. Time limit: {}.",
        task_type.id,
        text(&task_type.title),
        text(&task_type.summary),
        words(task_type.kinds.iter().map(word).collect()),
        word(&task_type.needs),
        seconds(task_type.time_limit.into()),
    );
    if !task_type.marks.is_empty() {
        let _ = write!(
            page,
            " Marks: {}.",
            words(task_type.marks.iter().map(word).collect())
        );
    }
    if !task_type.facts.is_empty() {
        let facts = task_type.facts.iter().map(|fact| format!("`{fact}`"));
        let _ = write!(page, " Reads of a device: {}.", words(facts.collect()));
    }
    let _ = writeln!(
        page,
        " Version of the settings: {}.",
        task_type.schema_version
    );
    if let Some(platforms) = platforms {
        page.push('\n');
        for (platform, refused) in &platforms.answers {
            let _ = match refused {
                None => writeln!(page, "- {platform}: yes"),
                Some(why) => writeln!(page, "- {platform}: no; {}", text(why)),
            };
        }
    }
    settings(page, &fields(&task_type.settings_schema));
    for example in &task_type.examples {
        let json = serde_json::to_string_pretty(&example.settings.to_value()).unwrap_or_default();
        let _ = write!(
            page,
            "\n{}:\n\n```json\n{json}\n```\n",
            text(&example.title)
        );
    }
    if !task_type.event_types.is_empty() {
        page.push_str("\n| event | severity | fields |\n|---|---|---|\n");
        for event in &task_type.event_types {
            let (id, title) = (&event.id, text(&event.title));
            let severity = word(&event.severity);
            let _ = writeln!(
                page,
                "| `{id}`: {title} | {severity} | {} |",
                event_fields(event)
            );
        }
    }
}

fn settings(page: &mut String, fields: &[Field]) {
    if fields.is_empty() {
        page.push_str("\nIt has no settings.\n");
        return;
    }
    page.push_str(
        "\n| setting | type | unit | default | limits | what it is |\n|---|---|---|---|---|---|\n",
    );
    for field in fields {
        let default = match &field.default {
            Some(value) => format!("`{}`", code(&value.to_string())),
            None if field.required => "required".to_owned(),
            None => field
                .required_if
                .iter()
                .map(|when| format!("required if {}", text(when)))
                .collect::<Vec<_>>()
                .join("; "),
        };
        let _ = writeln!(
            page,
            "| `{}` | {} | {} | {default} | {} | {} |",
            code(&field.path),
            kind(&field.widget),
            field.unit.as_deref().map(text).unwrap_or_default(),
            text(&field.limits.join("; ")),
            said(field),
        );
    }
}

fn said(field: &Field) -> String {
    let title = text(&field.title);
    let gone = if field.deprecated {
        " (going away)"
    } else {
        ""
    };
    match text(&field.description) {
        said if said.is_empty() => format!("{title}{gone}"),
        said => format!("{title}{gone}. {said}"),
    }
}

fn kind(widget: &Widget) -> String {
    match widget {
        Widget::Choice { choices } => choices
            .iter()
            .map(|choice| format!("`{}`", code(&plain(&choice.value))))
            .collect::<Vec<_>>()
            .join(", "),
        other => text(&other.name()),
    }
}

fn event_fields(event: &EventType) -> String {
    let fields = fields(&event.fields_schema);
    let each = fields.iter().map(|field| {
        let maybe = if field.required { "" } else { " (optional)" };
        format!("`{}` {}{maybe}", code(&field.path), kind(&field.widget))
    });
    each.collect::<Vec<_>>().join("; ")
}

/// A vendor's text, without what Markdown would obey in a table.
fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in crate::output::clean(text).chars() {
        if matches!(letter, '|' | '\\' | '`' | '*' | '_' | '<' | '[' | ']' | '#') {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}

/// The same within backquotes.
fn code(text: &str) -> String {
    crate::output::clean(text)
        .replace('`', "'")
        .replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_page_tells_all_that_a_plug_in_says() {
        let description: Description = serde_json::from_value(json!({
            "application": "org.example.scanner", "name": "Scanner | Pro", "vendor": "Example",
            "version": "1.2.0", "manages": ">=1, <2",
            "capabilities": [{"name": "clock", "reason": "Warns of old databases."}],
            "limits": [{"limit": "memory", "value": 128, "reason": "Large tables."}],
            "task_types": [{
                "id": "scan", "title": "Scan", "summary": "Looks for threats.",
                "kinds": ["local", "group"], "schema_version": 2, "facts": ["os.id"],
                "needs": "running", "marks": ["exclusive"], "time_limit": 5400,
                "settings_schema": {
                    "properties": {
                        "mode": {"enum": ["quick", "a|b"], "title": "Mode", "default": "quick"},
                        "size": {
                            "type": "integer", "title": "Largest file (MiB)", "minimum": 1,
                            "description": "Larger files are <passed> over."
                        },
                        "paths": {"type": "array", "items": {"type": "string"}}
                    },
                    "required": ["size"],
                    "if": {"properties": {"mode": {"const": "quick"}}},
                    "then": {"required": ["paths"]}
                },
                "examples": [{"title": "Small", "settings": {"size": 1}}],
                "event_types": [{
                    "id": "found", "title": "Found", "severity": "critical",
                    "fields_schema": {
                        "properties": {"file": {"type": "string"}, "size": {"type": "integer"}},
                        "required": ["file"]
                    }
                }],
                "more": []
            }],
            "more": []
        }))
        .unwrap();
        let platforms = [Platforms {
            task_type: "scan",
            answers: vec![
                ("linux".into(), None),
                ("windows".into(), Some("Not [yet].".into())),
            ],
        }];
        insta::assert_snapshot!(page(&description, &platforms));
    }
}
