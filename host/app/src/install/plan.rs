//! The plan: what another revision of a plug-in would mean for each task of its application.
//!
//! [`usage`] tells which devices there are, [`task`] asks both revisions about one task. Answers are
//! kept, so that a plan that is made again asks only about what changed since.

mod task;
mod usage;

use crate::place::devices_of;
use crate::trust::{PluginTrust, ground_name};
use crate::{App, AppError};
use futures_util::{StreamExt as _, stream};
use muster_domain::plan::{Ground, Plan, Signer, TaskPlan};
use muster_domain::revision::RevisionState;
use muster_domain::scope::Scope;
use muster_domain::task::Task;
use muster_domain::{ApplicationId, Digest, TaskId, TaskTypeId};
use muster_plugin_host::Plugin;
use muster_storage::plugin::{PluginRow, plugin_latest};
use muster_storage::task::{task_get, task_numbers};
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use usage::Usage;

/// Tasks that are asked about at once. More would keep the plug-ins' threads from other work.
const AT_ONCE: usize = 4;

/// Pairs of revisions whose answers are kept.
const MOST_KNOWN: usize = 16;

/// A plan with what it was made from.
pub(super) struct Planned {
    pub(super) plan: Plan,
    // The revision that was asked, if one was at work.
    asked: Option<Digest>,
    usage: Arc<Usage>,
    answers: BTreeMap<TaskId, Known>,
}

/// Which revision that is at work, if any, and which instead.
type Pair = (Option<Digest>, Digest);

/// What was found about a task, and of which task revision and devices it was found.
#[derive(Clone)]
struct Known {
    revision: u32,
    scope: Scope,
    devices: Digest,
    plan: TaskPlan,
}

/// A task to ask about, with the profiles of its devices and what names those.
struct Asked {
    task: Task,
    devices: Digest,
    groups: Vec<usage::Group>,
}

/// The answers that plans were made of.
#[derive(Default)]
pub(crate) struct Plans(Mutex<Vec<(Pair, Answers)>>);

type Answers = Arc<BTreeMap<TaskId, Known>>;

impl Plans {
    fn get(&self, pair: Pair) -> Answers {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known.iter().find(|(of, _)| *of == pair);
        found
            .map(|(_, known)| Arc::clone(known))
            .unwrap_or_default()
    }

    fn put(&self, pair: Pair, answers: BTreeMap<TaskId, Known>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|(of, _)| *of != pair);
        known.push((pair, Arc::new(answers)));
        if known.len() > MOST_KNOWN {
            known.remove(0);
        }
    }
}

impl App {
    /// The plan for putting a revision to work now.
    pub(super) async fn plan(&self, to: &Arc<Plugin>) -> Result<Plan, AppError> {
        Ok(self.planned(to, None).await?.plan)
    }

    /// The plan, and what it was made from. One that was made just before is brought up to date with
    /// the tasks, and holds for the devices as they were then.
    pub(super) async fn planned(
        &self,
        to: &Arc<Plugin>,
        before: Option<Planned>,
    ) -> Result<Planned, AppError> {
        let application = &to.description().application;
        let place = self.place(application, to.digest()).await?;
        let from = place.at_work.clone();
        if let Some(compiling) = from.as_ref().filter(|from| from.is_compiling()) {
            return Err(compiling.compiling_error().into());
        }
        let pair = (from.as_ref().map(|from| from.digest()), to.digest());
        let before = before.filter(|before| (before.asked, before.plan.to) == pair);
        let usage = match &before {
            Some(before) => Arc::clone(&before.usage),
            None => Arc::new(Usage::read(self, from.as_deref(), to).await?),
        };
        let same_devices = before.is_some();
        let known = match before {
            Some(before) => Arc::new(before.answers),
            None => self.0.plans.get(pair),
        };
        let (mut answers, asked) = self.read_tasks(to, &usage, &known, same_devices).await?;
        let fresh = stream::iter(asked)
            .map(|asked| self.ask_about(from.clone(), to, asked))
            .buffered(AT_ONCE)
            .collect::<Vec<_>>()
            .await;
        for one in fresh {
            let (task, known) = one?;
            answers.insert(task, known);
        }
        let trust = self.ground(application, to.digest()).await?;
        let plan = plan_of(place, to, trust, &usage, &answers);
        // What uses time or chance may answer otherwise the next time.
        if to.is_pure() && from.as_ref().is_none_or(|from| from.is_pure()) {
            let sure = answers
                .iter()
                .filter(|(_, known)| !known.plan.is_doubtful());
            let sure = sure.map(|(task, known)| (*task, known.clone())).collect();
            self.0.plans.put(pair, sure);
        }
        Ok(Planned {
            plan,
            asked: pair.0,
            usage,
            answers,
        })
    }

    /// Who has the application's place, if it is not the one that is to have it.
    pub(super) async fn place(
        &self,
        application: &ApplicationId,
        to: Digest,
    ) -> Result<Place, AppError> {
        let row = plugin_latest(&mut *self.0.storage.read().await?, application).await?;
        let row = row.filter(|row| row.state.is_current() && row.digest != to);
        let trust = match &row {
            Some(row) => Some(self.ground(application, row.digest).await?),
            None => None,
        };
        // One that was just put aside is not asked any more.
        let is_active = |plugin: &Arc<Plugin>| {
            row.as_ref().is_some_and(|row| {
                row.state == RevisionState::Active && row.digest == plugin.digest()
            })
        };
        Ok(Place {
            at_work: self.0.applications.get(application).filter(is_active),
            row,
            trust,
        })
    }

    async fn ground(
        &self,
        application: &ApplicationId,
        digest: Digest,
    ) -> Result<Ground, AppError> {
        let trust = self.plugin_trust(application, digest).await?;
        let unknown = || Ground {
            name: "unknown".into(),
            signers: Vec::new(),
        };
        Ok(trust.as_ref().map_or_else(unknown, ground_of))
    }

    async fn ask_about(
        &self,
        from: Option<Arc<Plugin>>,
        to: &Arc<Plugin>,
        asked: Asked,
    ) -> Result<(TaskId, Known), AppError> {
        let Asked {
            task,
            devices,
            groups,
        } = asked;
        let plan = self.plan_task(from.as_ref(), to, &task, &groups).await?;
        let known = Known {
            revision: task.revision.number,
            scope: task.scope,
            devices,
            plan,
        };
        Ok((task.id, known))
    }

    /// The tasks whose answers are known, and those to ask about. What is known holds for the same
    /// task revision on the same devices, which `same_devices` says that they are.
    async fn read_tasks(
        &self,
        to: &Plugin,
        usage: &Usage,
        known: &BTreeMap<TaskId, Known>,
        same_devices: bool,
    ) -> Result<(BTreeMap<TaskId, Known>, Vec<Asked>), AppError> {
        let application = &to.description().application;
        let mut connection = self.0.storage.read().await?;
        let mut places: HashMap<(TaskTypeId, String), (Digest, Vec<usage::Group>)> = HashMap::new();
        let (mut kept, mut asked) = (BTreeMap::new(), Vec::new());
        for (id, revision) in task_numbers(&mut connection, application).await? {
            let known = known.get(&id).filter(|known| known.revision == revision);
            if let Some(known) = known.filter(|_| same_devices) {
                kept.insert(id, known.clone());
                continue;
            }
            let task = match known {
                Some(_) => None,
                None => task_get(&mut connection, id).await?,
            };
            let (task_type, scope) = match (&task, known) {
                (Some(task), _) => (&task.task_type, &task.scope),
                (None, Some(known)) => (&known.plan.task_type, &known.scope),
                // Deleted since the list was read.
                (None, None) => continue,
            };
            let place = (task_type.clone(), format!("{scope:?}"));
            let (devices, groups) = match places.entry(place) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(free) => {
                    let targets = devices_of(&mut connection, scope).await?;
                    let groups = usage.groups(task_type, &targets);
                    free.insert((usage::digest(&groups), groups))
                }
            };
            if let Some(known) = known.filter(|known| known.devices == *devices) {
                kept.insert(id, known.clone());
                continue;
            }
            let task = match task {
                Some(task) => Some(task),
                None => task_get(&mut connection, id).await?,
            };
            asked.extend(task.map(|task| Asked {
                task,
                devices: *devices,
                groups: groups.clone(),
            }));
        }
        Ok((kept, asked))
    }
}

/// Who has an application's place.
pub(super) struct Place {
    pub(super) row: Option<PluginRow>,
    trust: Option<Ground>,
    // None if it cannot work, whatever its row says.
    at_work: Option<Arc<Plugin>>,
}

fn ground_of(trust: &PluginTrust) -> Ground {
    let signer = |by: &muster_release::trust::SignedBy| Signer {
        name: by.signer.clone(),
        text: by.to_string(),
    };
    Ground {
        name: ground_name(trust.ground).into(),
        signers: trust.signers.iter().map(signer).collect(),
    }
}

fn plan_of(
    place: Place,
    to: &Plugin,
    trust: Ground,
    usage: &Usage,
    answers: &BTreeMap<TaskId, Known>,
) -> Plan {
    let description = to.description();
    let tasks: Vec<TaskPlan> = answers.values().map(|known| known.plan.clone()).collect();
    let said: Vec<_> = tasks
        .iter()
        .map(|task| (task.task, task.revision, task.effect.as_str()))
        .collect();
    let Place {
        row,
        trust: from_trust,
        ..
    } = place;
    let (from, from_state) = row.as_ref().map(|row| (row.digest, row.state)).unzip();
    let names = |ground: &Ground| {
        let names = ground.signers.iter().map(|signer| signer.name.clone());
        names.collect::<Vec<_>>()
    };
    // Counts of devices are left out: they change with every device that comes and goes.
    let state = serde_json::json!([
        from,
        from_state,
        from_trust.as_ref().map(names),
        to.digest(),
        names(&trust),
        said,
        usage.profiles()
    ]);
    Plan {
        id: Digest::of(state.to_string()),
        application: description.application.clone(),
        from,
        from_state,
        from_trust,
        to: to.digest(),
        trust,
        downgrade: row.is_some_and(|row| description.version < row.description.version),
        tasks,
    }
}
