//! What the gate of a server refuses, told by rule: the file, the description, the examples.

use super::rule::{
    CAPABILITY_ASKED, COMPONENT_LOADS, DESCRIBE_ANSWERS, DESCRIBE_COMPLETE, EXAMPLES_VALID,
    MIGRATE_THERE, Rule, SCHEMA_VALID,
};
use super::trial::Trial;
use crate::{Grants, Harness, LoadError, LoadFailure, OpenError, Plugin, chain};
use std::sync::Arc;

/// Has the gate look at the component, and gives the plug-in if it passes.
pub(super) fn run(
    trial: &mut Trial<'_>,
    harness: &Harness,
    component: &Arc<[u8]>,
) -> Option<Plugin> {
    let at_gate = [
        &COMPONENT_LOADS,
        &CAPABILITY_ASKED,
        &DESCRIBE_ANSWERS,
        &DESCRIBE_COMPLETE,
        &EXAMPLES_VALID,
        &SCHEMA_VALID,
        &MIGRATE_THERE,
    ];
    for rule in at_gate {
        trial.tried(rule);
    }
    match harness.load(Arc::clone(component)) {
        Ok(plugin) => {
            with_usual_limits(trial, harness, component, &plugin);
            Some(plugin)
        }
        Err(OpenError::Load(error)) => {
            refused(trial, &error);
            None
        }
        Err(error) => {
            trial.broken(&COMPONENT_LOADS, None, chain(&error), None);
            None
        }
    }
}

/// `describe` must do with the usual limits even if more is asked for.
fn with_usual_limits(
    trial: &mut Trial<'_>,
    harness: &Harness,
    component: &Arc<[u8]>,
    plugin: &Plugin,
) {
    if plugin.description().limits.is_empty() {
        return;
    }
    let usual = harness.load_granted(Arc::clone(component), Grants::default());
    if let Err(OpenError::Load(error)) = usual
        && matches!(error.reason, LoadFailure::Describe(_))
    {
        refused(trial, &error);
    }
}

fn refused(trial: &mut Trial<'_>, error: &LoadError) {
    let why = chain(&error.reason);
    match &error.reason {
        LoadFailure::NotAskedFor { .. } => trial.broken(&CAPABILITY_ASKED, None, why, None),
        LoadFailure::Describe(_) => trial.broken(&DESCRIBE_ANSWERS, None, why, None),
        LoadFailure::Example { task_type, .. } => {
            trial.broken(&EXAMPLES_VALID, Some(task_type), why, None);
        }
        LoadFailure::Description(lines) => {
            for rule in [
                &SCHEMA_VALID,
                &EXAMPLES_VALID,
                &MIGRATE_THERE,
                &DESCRIBE_COMPLETE,
            ] {
                let lines: Vec<&str> = lines
                    .iter()
                    .map(String::as_str)
                    .filter(|line| about(line) == rule)
                    .collect();
                if !lines.is_empty() {
                    trial.broken(rule, None, lines.join("\n"), None);
                }
            }
        }
        _ => trial.broken(&COMPONENT_LOADS, None, why, None),
    }
}

/// Which rule a line about the description is about. It begins with its place:
/// `task-types/0/settings-schema/properties/a: …`.
fn about(line: &str) -> &'static Rule {
    let place = line.split(": ").next().unwrap_or_default();
    let mut parts = place.split('/').skip(2);
    match (parts.next(), parts.nth(1)) {
        (Some("settings-schema"), _) | (Some("event-types"), Some("fields-schema")) => {
            &SCHEMA_VALID
        }
        (Some("examples"), _) => &EXAMPLES_VALID,
        (Some("schema-version"), _) if line.contains("`migrate`") => &MIGRATE_THERE,
        _ => &DESCRIBE_COMPLETE,
    }
}
