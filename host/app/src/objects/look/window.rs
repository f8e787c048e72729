//! Windows: each that is wanted compared with the one of its name.

use super::{Looking, Step};
use crate::objects::ask::below;
use crate::objects::plan::{Item, Kind};
use crate::objects::reference::{set_here, set_word};
use crate::objects::same;
use crate::place::SetReference;
use muster_domain::DeviceSet;
use muster_domain::plan::changes;
use muster_domain::schedule::window::Window;
use serde_json::{Value, json};
use std::collections::BTreeSet;

impl Looking<'_> {
    pub(super) fn windows(&mut self) {
        let prepared = self.prepared;
        let mut seen = BTreeSet::new();
        for wanted in &prepared.wanted.windows {
            let mut item = Item::new(Kind::Window, &wanted.name, Some(wanted.place.clone()));
            if !seen.insert(&wanted.name) {
                item.refuse("/name", "twice", "This window stands in the files twice.");
            }
            let window = match Window::parse(&wanted.window) {
                Ok((window, warnings)) => {
                    item.findings.extend(warnings);
                    Some(window)
                }
                Err(findings) => {
                    item.findings.extend(findings);
                    None
                }
            };
            let mut whole = true;
            let place = format!("/{}", set_word(&wanted.of));
            let of = self.finder().set(&wanted.of, &mut whole);
            let of = of.unwrap_or_else(|finding| {
                item.findings.push(below(&place, finding));
                wanted.of.clone()
            });
            let here = self
                .state
                .windows
                .iter()
                .find(|row| row.window.name == wanted.name);
            let id = here.map(|row| row.id.0);
            let Some(window) = window else {
                self.take(item, id, &Value::Null, false, || {
                    Step::Keep(Kind::Window, 0)
                });
                continue;
            };
            let is_same =
                here.is_some_and(|here| here.window == window && Some(here.of) == set_here(&of));
            if let Some(here) = here {
                let before = match here.of {
                    DeviceSet::Group(_) => "group",
                    DeviceSet::Selection(_) => "selection",
                };
                let before = same::window_json(before, &self.state.sets.of(here.of), &here.window);
                let (SetReference::Group(name) | SetReference::Selection(name)) = &wanted.of;
                let after = same::window_json(set_word(&wanted.of), name, &window);
                item.changes = changes(&before, &after);
                self.drift(
                    &mut item,
                    here.id.0,
                    &same::window_state(here),
                    &here.changed_by.to_string(),
                );
            }
            let seal = json!([format!("{of:?}"), here.map(same::window_state)]);
            let here = here.map(|row| row.id);
            self.take(item, id, &seal, is_same, || Step::Window {
                here,
                of,
                window,
            });
        }
    }
}
