//! All of a verdict, for programs. Members are only ever added.

use crate::conformance::{Verdict, Weight};
use serde_json::{Value, json};

pub(super) fn write(verdict: &Verdict, file: &str) -> String {
    let rules = verdict.rules.iter().map(|result| {
        let broken = result.broken.iter().map(|broken| {
            json!({
                "task-type": broken.task_type,
                "text": broken.text,
                "input": broken.input.as_ref().map(crate::Input::to_json),
            })
        });
        json!({
            "id": result.rule.id,
            "group": result.rule.group.name(),
            "title": result.rule.title,
            "reason": result.rule.reason,
            "documentation": result.rule.documentation(),
            "required": result.rule.weight == Weight::Required,
            "cases": result.cases,
            "broken": broken.collect::<Vec<Value>>(),
        })
    });
    let whole = json!({
        "file": file,
        "digest": verdict.component.digest.to_string(),
        "plug-in": verdict.component.label,
        "passes": verdict.passes(),
        "seed": verdict.seed,
        "cases": verdict.cases,
        "cases-tried": verdict.cases_tried(),
        "rules": rules.collect::<Vec<Value>>(),
    });
    format!("{whole:#}\n")
}
