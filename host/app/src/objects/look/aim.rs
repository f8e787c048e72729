//! Which task each one that is wanted is: a new one, or one that is there.

use super::Looking;
use crate::objects::reference::{Names, Target};
use crate::objects::wanted::{Manner, Mapping, NamesTaken, WantedTask};
use crate::submit::check_name;
use muster_domain::TaskId;
use muster_domain::finding::Finding;
use muster_domain::schedule::When;
use muster_domain::task::Task;
use std::collections::{BTreeMap, BTreeSet};

/// Which task it is.
#[derive(Debug, Clone, Default)]
pub(super) struct Aim {
    /// Its name here.
    pub(super) name: String,
    /// The one that is there, if it is one of those.
    pub(super) here: Option<TaskId>,
    /// Whether it is left out.
    pub(super) skip: bool,
    /// The task that it starts after.
    pub(super) after: Option<Target>,
    /// What stands against it.
    pub(super) refused: Vec<Finding>,
}

impl Looking<'_> {
    pub(super) fn aim(&mut self) {
        let mut by_name: BTreeMap<&str, Vec<&Task>> = BTreeMap::new();
        for task in &self.state.tasks {
            by_name.entry(&task.name).or_default().push(task);
        }
        let here = self
            .state
            .tasks
            .iter()
            .map(|task| (task.name.as_str(), task.id));
        let mut names = Names::new(here, self.prepared.manner.mapping());
        let mut taken: BTreeSet<String> = by_name.keys().map(|name| (*name).to_owned()).collect();
        let mut aimed = BTreeSet::new();
        let mut written = BTreeSet::new();
        for (index, wanted) in self.prepared.wanted.tasks.iter().enumerate() {
            let mut aim = match &self.prepared.manner {
                Manner::Import(mapping) => imported(wanted, mapping, &by_name, &mut taken),
                Manner::Apply { .. } => {
                    let mut aim = applied(wanted, &by_name);
                    if !written.insert(&wanted.request.name) {
                        aim.refuse(
                            "/name",
                            "twice",
                            "A task of this name stands in the files twice.",
                        );
                    }
                    aim
                }
            };
            if let Some(here) = aim.here.filter(|_| !aim.skip)
                && !aimed.insert(here)
            {
                let text =
                    format!("Another one of the file takes the place of task {here} already.");
                aim.refuse("/name", "name-taken", &text);
            }
            let target = aim.here.map_or(Target::InFile(index), Target::Here);
            if names.add(&wanted.request.name, wanted.id, target) {
                aim.refuse("/id", "twice", "Another task of the file has this number.");
            }
            self.aims.push(aim);
        }
        self.names = names;
        self.follow();
    }

    /// Finds the tasks that tasks start after.
    fn follow(&mut self) {
        for (aim, asked) in self.aims.iter_mut().zip(&self.prepared.asked) {
            let place = "/schedule/when/after-task/task";
            match asked.after.as_ref().map(|name| self.names.find(name)) {
                Some(Ok(target)) => aim.after = Some(target),
                Some(Err(text)) => aim.refuse(place, "task-unknown", &text),
                None => {}
            }
        }
        let circles: Vec<bool> = (0..self.aims.len())
            .map(|index| self.is_circle(index))
            .collect();
        for (aim, circle) in self.aims.iter_mut().zip(circles) {
            if circle {
                let text = "What it starts after starts after this one: it would never end.";
                aim.refuse("/schedule/when/after-task/task", "schedule-circle", text);
            }
        }
    }

    /// Whether a task of the file leads back to itself.
    fn is_circle(&self, index: usize) -> bool {
        let in_file: BTreeMap<TaskId, usize> = self
            .aims
            .iter()
            .enumerate()
            .filter(|(_, aim)| !aim.skip)
            .filter_map(|(index, aim)| Some((aim.here?, index)))
            .collect();
        let own = |target: Target| match target {
            Target::Here(id) => in_file
                .get(&id)
                .map_or(target, |index| Target::InFile(*index)),
            in_file @ Target::InFile(_) => in_file,
        };
        let mut passed = BTreeSet::new();
        let mut at = self.aims.get(index).and_then(|aim| aim.after).map(own);
        while let Some(target) = at.filter(|target| passed.insert(*target)) {
            if target == Target::InFile(index) {
                return true;
            }
            at = match target {
                Target::InFile(other) => self.aims.get(other).and_then(|aim| aim.after),
                Target::Here(id) => self.state.task(id).and_then(after).map(Target::Here),
            }
            .map(own);
        }
        false
    }
}

fn after(task: &Task) -> Option<TaskId> {
    match task.revision.schedule.as_ref()?.when {
        When::AfterTask { task, .. } => Some(task),
        _ => None,
    }
}

impl Aim {
    fn refuse(&mut self, place: &str, code: &str, text: &str) {
        self.refused.push(Finding::error(place, code, text));
    }
}

fn applied(wanted: &WantedTask, here: &BTreeMap<&str, Vec<&Task>>) -> Aim {
    let mut aim = Aim {
        name: wanted.request.name.clone(),
        ..Aim::default()
    };
    match here.get(aim.name.as_str()).map(Vec::as_slice) {
        None => {}
        Some([one]) => aim.take_place(wanted, one),
        Some(several) => {
            let text = format!(
                "{} tasks here have this name, and files know a task by its name; give the others another one.",
                several.len()
            );
            aim.refuse("/name", "name-taken", &text);
        }
    }
    aim
}

fn imported(
    wanted: &WantedTask,
    mapping: &Mapping,
    here: &BTreeMap<&str, Vec<&Task>>,
    taken: &mut BTreeSet<String>,
) -> Aim {
    let written = &wanted.request.name;
    let mut aim = Aim {
        name: mapping.rename.get(written).unwrap_or(written).clone(),
        ..Aim::default()
    };
    if check_name(&aim.name).is_err() && aim.name != *written {
        let text = "The other name cannot name a task.";
        aim.refuse("/name", "name-invalid", text);
    }
    let same = here.get(aim.name.as_str()).map_or(&[][..], Vec::as_slice);
    let Some(first) = same.first() else {
        return aim;
    };
    match mapping.names {
        NamesTaken::Refuse => {
            let text = format!(
                "Task {} has this name already; give the one in the file another name, or say whether names that \
                 are taken are renamed, skipped or replaced.",
                first.id
            );
            aim.refuse("/name", "name-taken", &text);
        }
        NamesTaken::Rename => {
            aim.name = free_name(&aim.name, taken);
            taken.insert(aim.name.clone());
        }
        NamesTaken::Skip => {
            aim.here = Some(first.id);
            aim.skip = true;
        }
        NamesTaken::Replace => match same {
            [one] => aim.take_place(wanted, one),
            several => {
                let text = format!(
                    "{} tasks here have this name; which is replaced?",
                    several.len()
                );
                aim.refuse("/name", "name-taken", &text);
            }
        },
    }
    aim
}

impl Aim {
    /// Aims at a task that is there. What it is for stays.
    fn take_place(&mut self, wanted: &WantedTask, here: &Task) {
        self.here = Some(here.id);
        let request = &wanted.request;
        if here.application != request.application || here.task_type != request.task_type {
            let text = format!(
                "Task {} of this name is of type {} of {}, and a task keeps its application and its type; give one of \
                 the two another name.",
                here.id, here.task_type, here.application
            );
            self.refuse("/task_type", "task-of-another-type", &text);
        }
    }
}

/// A name with the next number that is free.
fn free_name(name: &str, taken: &BTreeSet<String>) -> String {
    let numbered = |number: u32| {
        let end = format!(" ({number})");
        let room = 100_usize.saturating_sub(end.chars().count());
        let begin: String = name.chars().take(room).collect();
        format!("{}{end}", begin.trim_end())
    };
    (2..=u32::MAX)
        .map(numbered)
        .find(|name| !taken.contains(name))
        .unwrap_or_else(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_free_name_has_a_number_and_fits() {
        let taken = ["scan", "scan (2)", "scan (3)"].map(str::to_owned).into();
        assert_eq!(free_name("scan", &taken), "scan (4)");
        let long = "ä".repeat(100);
        let name = free_name(&long, &[long.clone()].into());
        assert_eq!(name.chars().count(), 100);
        assert!(name.ends_with("ä (2)"), "{name}");
    }
}
