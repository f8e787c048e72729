//! Selections: queries, with the numbers that their tasks have here.

use super::{Looking, Step, seal_of};
use crate::objects::plan::{Item, Kind};
use crate::objects::reference::Target;
use crate::objects::same;
use muster_domain::TaskId;
use muster_domain::finding::any_error;
use muster_domain::plan::changes;
use muster_domain::selection::{Condition, Query, Selection, Subject};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

impl Looking<'_> {
    pub(super) fn selections(&mut self) {
        let prepared = self.prepared;
        let mut seen = BTreeSet::new();
        for wanted in &prepared.wanted.selections {
            let mut item = Item::new(Kind::Selection, &wanted.name, Some(wanted.place.clone()));
            if !seen.insert(&wanted.name) {
                item.refuse(
                    "/name",
                    "twice",
                    "This selection stands in the files twice.",
                );
            }
            let json = json!({ "name": wanted.name, "query": wanted.query });
            let parsed = match Selection::parse(&json) {
                Ok((selection, query, warnings)) => {
                    item.findings.extend(warnings);
                    Some((selection, query))
                }
                Err(findings) => {
                    item.findings.extend(findings);
                    None
                }
            };
            let mut tasks = BTreeMap::new();
            for number in parsed.iter().flat_map(|(_, query)| query.tasks()) {
                match wanted
                    .tasks
                    .get(&number.0)
                    .map(|name| self.names.find(name))
                {
                    Some(Ok(target)) => {
                        tasks.insert(number, target);
                    }
                    Some(Err(text)) => {
                        item.refuse(&format!("/tasks/{number}"), "task-unknown", text);
                    }
                    None => {
                        let text = format!(
                            "The query names task {number}, and a number is another task on every server; say which \
                             it is: \"tasks\": {{\"{number}\": \"NAME\"}}."
                        );
                        item.refuse("/query", "task-unknown", text);
                    }
                }
            }
            let here = self
                .state
                .selections
                .iter()
                .find(|row| row.selection.name == wanted.name);
            let Some((selection, query)) = parsed else {
                let id = here.map(|row| row.id.0);
                self.take(item, id, &Value::Null, false, || {
                    Step::Keep(Kind::Selection, 0)
                });
                continue;
            };
            let known = known(&tasks);
            let is_same = here.is_some_and(|here| {
                known.as_ref().is_some_and(|known| {
                    query_now(&query, &selection, known) == here.selection.query
                })
            });
            if let Some(here) = here {
                let after = known.map(|known| query_now(&query, &selection, &known));
                let after = json!({ "query": after.unwrap_or_else(|| selection.query.clone()) });
                item.changes = changes(&json!({ "query": here.selection.query }), &after);
                self.drift(
                    &mut item,
                    here.id.0,
                    &same::selection_state(here),
                    &here.changed_by.to_string(),
                );
            }
            let id = here.map(|row| row.id.0);
            let seal = json!([
                tasks
                    .iter()
                    .map(|(number, target)| (number.0, seal_of(*target)))
                    .collect::<Vec<_>>(),
                here.map(same::selection_state)
            ]);
            let here = here.map(|row| row.id);
            if id.is_none() && !any_error(&item.findings) {
                self.made_selections.insert(wanted.name.clone());
            }
            self.take(item, id, &seal, is_same, || Step::Selection {
                here,
                query,
                selection,
                tasks,
            });
        }
    }
}

/// The numbers that tasks have here, if all of them are here.
fn known(tasks: &BTreeMap<TaskId, Target>) -> Option<BTreeMap<TaskId, TaskId>> {
    let here = |(number, target): (&TaskId, &Target)| match target {
        Target::Here(id) => Some((*number, *id)),
        Target::InFile(_) => None,
    };
    tasks.iter().map(here).collect()
}

/// A query with the numbers that its tasks have here. Without any it stays as it was written.
pub(in crate::objects) fn query_now(
    query: &Query,
    written: &Selection,
    tasks: &BTreeMap<TaskId, TaskId>,
) -> String {
    if tasks.is_empty() {
        return written.query.clone();
    }
    renumbered(query, &|task| tasks.get(&task).copied().unwrap_or(task)).to_string()
}

/// A query with other numbers for its tasks.
pub(in crate::objects) fn renumbered(query: &Query, number: &impl Fn(TaskId) -> TaskId) -> Query {
    let all = |parts: &[Query]| parts.iter().map(|part| renumbered(part, number)).collect();
    match query {
        Query::And(parts) => Query::And(all(parts)),
        Query::Or(parts) => Query::Or(all(parts)),
        Query::Not(inner) => Query::Not(Box::new(renumbered(inner, number))),
        Query::Is(Condition::Compare {
            subject: Subject::Outcome(task),
            test,
        }) => Query::Is(Condition::Compare {
            subject: Subject::Outcome(number(*task)),
            test: test.clone(),
        }),
        Query::Is(other) => Query::Is(other.clone()),
    }
}
