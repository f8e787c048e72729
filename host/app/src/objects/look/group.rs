//! Groups: each that is wanted made, unless it is there.

use super::{Looking, Step};
use crate::objects::plan::{Item, Kind};
use serde_json::Value;
use std::collections::BTreeSet;

impl Looking<'_> {
    pub(super) fn groups(&mut self) {
        let mut wanted: Vec<_> = self.prepared.wanted.groups.iter().collect();
        // Each after the one above it.
        wanted.sort_by_key(|group| group.path.matches('/').count());
        let mut seen = BTreeSet::new();
        for group in wanted {
            let mut item = Item::new(Kind::Group, &group.path, Some(group.place.clone()));
            let (above, name) = group.path.rsplit_once('/').unwrap_or_default();
            let above = if above.is_empty() { "/" } else { above };
            let here = self.state.tree.find(&group.path);
            if !group.path.starts_with('/') || crate::group::check_name(name).is_err() {
                let text = "A group's path is /NAME, or /NAME/NAME for one below another; a name has 1 to 100 \
                            characters and is no number.";
                item.refuse("/path", "group-path", text);
            } else if !seen.insert(&group.path) {
                item.refuse("/path", "twice", "This group stands in the files twice.");
            } else if here.is_none()
                && self.state.tree.find(above).is_none()
                && !self.made.contains(above)
            {
                let text = format!("The group above, {above:?}, is neither here nor in the files.");
                item.refuse("/path", "group-unknown", text);
            }
            let id = here.map(|id| id.0);
            if id.is_none() && item.findings.is_empty() {
                self.made.insert(group.path.clone());
            }
            self.take(item, id, &Value::Null, true, || {
                Step::Group(group.path.clone())
            });
        }
    }
}
