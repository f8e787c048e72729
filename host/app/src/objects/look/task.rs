//! Tasks: each that is wanted compared with the one that is there.

use super::{Looking, Step, TaskStep, seal_of};
use crate::AppError;
use crate::objects::ask::{Asked, below};
use crate::objects::plan::{Action, Item, Kind};
use crate::objects::reference::{Located, Target, kind_of, set_here, set_word};
use crate::objects::same;
use crate::place::{ScopeReference, SetReference, scope_find};
use crate::submit::{MOST_LISTED, check_kind};
use crate::transfer::by_name;
use muster_domain::plan::{Change, changes};
use muster_domain::rollout::{Part, Rollout};
use muster_domain::schedule::{Schedule, When};
use muster_domain::scope::Scope;
use muster_domain::task::Task;
use muster_domain::{DeviceSet, TaskId};
use muster_storage::Connection;
use serde_json::{Value, json};
use std::collections::BTreeMap;

impl Looking<'_> {
    pub(super) async fn tasks(&mut self, connection: &mut Connection) -> Result<(), AppError> {
        let names: BTreeMap<TaskId, String> = {
            let here = self.state.tasks.iter();
            here.map(|task| (task.id, task.name.clone())).collect()
        };
        for index in 0..self.aims.len() {
            self.one(connection, &names, index).await?;
        }
        Ok(())
    }

    async fn one(
        &mut self,
        connection: &mut Connection,
        names: &BTreeMap<TaskId, String>,
        index: usize,
    ) -> Result<(), AppError> {
        let (Some(aim), Some(wanted), Some(asked)) = (
            self.aims.get(index).cloned(),
            self.prepared.wanted.tasks.get(index),
            self.prepared.asked.get(index),
        ) else {
            return Ok(());
        };
        let mut item = Item::new(Kind::Task, &aim.name, self.place(index));
        item.id = aim.here.map(|id| id.0);
        if aim.skip && aim.refused.is_empty() {
            item.action = Action::Skip;
            self.push(item, &Value::Null);
            return Ok(());
        }
        item.findings.extend(aim.refused.iter().cloned());
        item.findings.extend(asked.findings.iter().cloned());
        let located = self
            .finder()
            .scope(connection, &wanted.request.scope)
            .await?;
        item.findings.extend(located.missing.iter().cloned());
        check_scope(&mut item, asked, &located.scope);
        let joined = self.joined(&mut item, asked);
        let wave_groups = self.wave_groups(&mut item, asked);
        let schedule = asked
            .schedule
            .clone()
            .map(|schedule| filled(schedule, aim.after, joined.as_ref()));
        let rollout = asked
            .rollout
            .clone()
            .map(|rollout| filled_rollout(rollout, &wave_groups));
        let mut is_same = false;
        let mut state = Value::Null;
        match aim.here.and_then(|id| self.state.task(id)) {
            Some(here) => {
                let scope = found(connection, &located).await?;
                let of = Compared {
                    asked,
                    here,
                    name: &aim.name,
                    scope: scope.as_ref(),
                    written: &located.scope,
                    schedule: schedule.as_ref(),
                    rollout: rollout.as_ref(),
                };
                is_same = of.is_same();
                item.changes = self.compare(connection, names, &of).await?;
                state = same::task_state(here);
                let by = here.revision.created_by.to_string();
                self.drift(&mut item, here.id.0, &state, &by);
            }
            None => item
                .changes
                .extend(asked.migrated.iter().map(|change| Change {
                    pointer: format!("/settings{}", change.pointer),
                    ..change.clone()
                })),
        }
        let agreed = asked.agreed.as_ref();
        let seal = json!([
            state,
            same::scope_json(&located.scope),
            format!("{joined:?} {wave_groups:?}"),
            aim.after.map(seal_of),
            agreed.map(|agreed| (
                &agreed.settings,
                agreed.plugin,
                agreed.task_type.schema_version
            )),
        ]);
        let step = TaskStep {
            index,
            here: aim.here,
            name: aim.name,
            scope: located.scope,
            after: aim.after,
            joined,
            wave_groups,
        };
        self.take(item, aim.here.map(|id| id.0), &seal, is_same, || {
            Step::Task(step)
        });
        Ok(())
    }

    /// The group or the selection of a schedule.
    fn joined(&self, item: &mut Item, asked: &Asked) -> Option<SetReference> {
        let set = asked.joined.as_ref()?;
        let found = self.finder().set(set, &mut true);
        let refused = |finding| {
            let place = format!("/schedule/when/joined/{}", set_word(set));
            item.findings.push(below(&place, finding));
        };
        found.map_err(refused).ok()
    }

    /// The groups of the waves of a rollout.
    fn wave_groups(&self, item: &mut Item, asked: &Asked) -> BTreeMap<usize, Vec<String>> {
        let mut found = BTreeMap::new();
        let mut whole = true;
        for (wave, paths) in &asked.wave_groups {
            let groups: &mut Vec<String> = found.entry(*wave).or_default();
            for (number, path) in paths.iter().enumerate() {
                match self.finder().group(path, &mut whole) {
                    Ok(group) => groups.push(group),
                    Err(finding) => {
                        let place = format!("/rollout/waves/{wave}/devices/groups/groups/{number}");
                        item.findings.push(below(&place, finding));
                    }
                }
            }
        }
        found
    }

    /// What differs, in names.
    async fn compare(
        &self,
        connection: &mut Connection,
        names: &BTreeMap<TaskId, String>,
        of: &Compared<'_>,
    ) -> Result<Vec<Change>, AppError> {
        let Some(agreed) = &of.asked.agreed else {
            return Ok(Vec::new());
        };
        let before = same::task_here(connection, &self.state.sets, names, of.here).await?;
        let scope = match of.scope {
            Some(scope) => by_name(connection, scope).await?,
            None => of.written.clone(),
        };
        let sets = &self.state.sets;
        let asked = of.asked;
        // What is named and is not here yet has the name that it is given in the file.
        let schedule = asked.schedule.as_ref().map(|written| {
            let name = asked.after.as_ref().and_then(|after| after.name.clone());
            if let Some(known) = of.schedule.and_then(Option::as_ref) {
                let task = |task: TaskId| json!(names.get(&task));
                same::schedule_json(known, task, |set| json!(sets.of(set)))
            } else {
                let joined = asked.joined.as_ref().map(|set| match set {
                    SetReference::Group(name) | SetReference::Selection(name) => name,
                });
                same::schedule_json(written, |_| json!(name), |_| json!(joined))
            }
        });
        let rollout = match of.rollout.and_then(Option::as_ref) {
            Some(known) => {
                let path = |group| json!(sets.of(DeviceSet::Group(group)));
                Some(same::rollout_json(known, path))
            }
            None => asked.rollout.as_ref().map(|rollout| json!(rollout)),
        };
        let parts = (schedule, rollout);
        let after = same::task_json(of.name, &scope, asked.time_limit, parts, &agreed.settings);
        Ok(changes(&before, &after))
    }
}

/// A task that is wanted, and the one that is there.
struct Compared<'c> {
    asked: &'c Asked,
    here: &'c Task,
    name: &'c str,
    scope: Option<&'c Scope>,
    written: &'c ScopeReference,
    schedule: Option<&'c Option<Schedule>>,
    rollout: Option<&'c Option<Rollout>>,
}

impl Compared<'_> {
    fn is_same(&self) -> bool {
        let Some(agreed) = &self.asked.agreed else {
            return false;
        };
        let revision = &self.here.revision;
        let same_schedule = match self.schedule {
            None => revision.schedule.is_none(),
            Some(schedule) => schedule.is_some() && revision.schedule == *schedule,
        };
        let same_rollout = match self.rollout {
            None => revision.rollout.is_none(),
            Some(rollout) => rollout.is_some() && revision.rollout == *rollout,
        };
        self.here.name == self.name
            && self.here.time_limit == self.asked.time_limit
            // In whatever order they stand: TOML's are sorted, and nobody means anything by it.
            && revision.settings.to_value() == agreed.settings.to_value()
            && revision.schema_version == agreed.task_type.schema_version
            && self.scope == Some(&self.here.scope)
            && same_schedule
            && same_rollout
    }
}

/// The scope, if all of it is there.
async fn found(connection: &mut Connection, located: &Located) -> Result<Option<Scope>, AppError> {
    if !located.whole {
        return Ok(None);
    }
    Ok(scope_find(connection, &located.scope).await?.ok())
}

fn check_scope(item: &mut Item, asked: &Asked, scope: &ScopeReference) {
    if let Some(agreed) = &asked.agreed
        && let Err(error) = check_kind(&agreed.task_type, kind_of(scope))
    {
        item.refuse(
            "/scope/kind",
            error.code(),
            crate::error::sentence(error.to_string()),
        );
    }
    let ScopeReference::Global(devices) = scope else {
        return;
    };
    if devices.is_empty() {
        item.refuse(
            "/scope/devices",
            "scope-empty",
            "A global task needs at least one device.",
        );
    } else if devices.len() > MOST_LISTED {
        let text = crate::submit::listed_too_many(devices.len());
        item.refuse("/scope/devices", "scope-too-large", text);
    }
}

/// A schedule with what it names filled in; none if that is not there yet.
pub(in crate::objects) fn filled(
    mut schedule: Schedule,
    after: Option<Target>,
    joined: Option<&SetReference>,
) -> Option<Schedule> {
    match &mut schedule.when {
        When::AfterTask { task, .. } => match after {
            Some(Target::Here(id)) => *task = id,
            Some(Target::InFile(_)) | None => return None,
        },
        When::Joined(set) => *set = set_here(joined?)?,
        _ => {}
    }
    Some(schedule)
}

/// A rollout with its groups filled in; none if one is not there yet.
pub(in crate::objects) fn filled_rollout(
    mut rollout: Rollout,
    groups: &BTreeMap<usize, Vec<String>>,
) -> Option<Rollout> {
    for (place, wave) in rollout.waves.iter_mut().enumerate() {
        if let Part::Groups { groups: numbers } = &mut wave.devices {
            let of_wave = groups.get(&place)?.iter();
            *numbers = of_wave
                .map(|group| group.parse().ok())
                .collect::<Option<_>>()?;
        }
    }
    Some(rollout)
}
