//! What only the server has: what this set of files made and says no longer, and what it has nothing to do
//! with.

use super::{Looking, Step};
use crate::objects::plan::{Action, Item, Kind};
use crate::objects::wanted::Manner;
use muster_domain::GroupId;
use serde_json::Value;
use std::cmp::Reverse;
use std::collections::BTreeSet;

impl Looking<'_> {
    /// In the order in which they can be removed: what stands on another before that.
    pub(super) fn rest(&mut self) {
        let Manner::Apply { owner, prune } = &self.prepared.manner else {
            return;
        };
        let wanted = &self.prepared.wanted;
        let spoken_of: BTreeSet<Kind> = [
            (Kind::Task, wanted.tasks.is_empty()),
            (Kind::Window, wanted.windows.is_empty()),
            (Kind::Selection, wanted.selections.is_empty()),
            (Kind::Group, wanted.groups.is_empty()),
        ]
        .into_iter()
        .filter_map(|(kind, none)| (!none).then_some(kind))
        .collect();
        let known: BTreeSet<(Kind, i64)> = self
            .items
            .iter()
            .filter_map(|item| Some((item.kind, item.id?)))
            .collect();
        for (kind, id, name) in self.all_here() {
            if known.contains(&(kind, id)) {
                continue;
            }
            let row = self.state.applied.get(&(kind, id));
            let made = row.is_some_and(|row| row.owner == *owner && row.made);
            if !made && !spoken_of.contains(&kind) {
                continue;
            }
            let mut item = Item::new(kind, name, None);
            item.id = Some(id);
            item.action = match (made, prune) {
                (true, true) => Action::Remove,
                (true, false) => Action::Extra,
                (false, _) => Action::Foreign,
            };
            if item.action == Action::Remove {
                self.steps.push(Step::Remove(kind, id));
            }
            self.push(item, &Value::Null);
        }
    }

    fn all_here(&self) -> Vec<(Kind, i64, String)> {
        let state = self.state;
        let tasks = state.tasks.iter();
        let mut all: Vec<_> = tasks
            .map(|task| (Kind::Task, task.id.0, task.name.clone()))
            .collect();
        let windows = state.windows.iter();
        all.extend(windows.map(|row| (Kind::Window, row.id.0, row.window.name.clone())));
        let selections = state.selections.iter();
        all.extend(selections.map(|row| (Kind::Selection, row.id.0, row.selection.name.clone())));
        let mut groups: Vec<(GroupId, String)> = state
            .tree
            .groups()
            .filter(|group| group.id != GroupId::ROOT)
            .map(|group| (group.id, state.tree.path(group.id)))
            .collect();
        // Those below before those above.
        groups.sort_by_key(|(_, path)| Reverse(path.matches('/').count()));
        all.extend(
            groups
                .into_iter()
                .map(|(id, path)| (Kind::Group, id.0, path)),
        );
        all
    }
}
