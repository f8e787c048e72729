//! The plan: what another revision of a plug-in would mean for each task of its application.
//!
//! [`usage`] tells which devices there are, [`task`] asks both revisions about one task. Answers are
//! kept, so that a plan that is made again asks only about what changed since.

mod task;
mod usage;

pub(crate) use task::brought_up;

use crate::place::devices_of;
use crate::{App, AppError};
use futures_util::{StreamExt as _, stream};
use muster_domain::plan::{Plan, TaskPlan};
use muster_domain::task::Task;
use muster_domain::{Digest, TaskId};
use muster_plugin_host::Plugin;
use muster_storage::task::task_list;
use roaring::RoaringBitmap;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use usage::Usage;

/// Tasks that are asked about at once. More would keep the plug-ins' threads from other work.
const AT_ONCE: usize = 4;

/// Tasks read at once.
const PAGE: u32 = 1000;

/// Pairs of revisions whose answers are kept.
const MOST_KNOWN: usize = 16;

/// A plan with what it was made from.
pub(super) struct Planned {
    pub(super) plan: Plan,
    pub(super) from: Option<Arc<Plugin>>,
    pub(super) usage: Arc<Usage>,
}

/// Which revision, if any, and which instead.
type Pair = (Option<Digest>, Digest);

/// What was found about a task, and of which task revision and devices it was found.
#[derive(Clone)]
struct Known {
    revision: u32,
    devices: Digest,
    plan: TaskPlan,
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

    /// The plan, and what it was made from. Which devices there are is looked up, unless it was
    /// just before.
    pub(super) async fn planned(
        &self,
        to: &Arc<Plugin>,
        usage: Option<Arc<Usage>>,
    ) -> Result<Planned, AppError> {
        let application = &to.description().application;
        let from = self.0.applications.get(application);
        let from = from.filter(|from| from.digest() != to.digest());
        let usage = match usage {
            Some(usage) => usage,
            None => Arc::new(Usage::read(self, from.as_deref(), to).await?),
        };
        let pair = (from.as_ref().map(|from| from.digest()), to.digest());
        let known = self.0.plans.get(pair);
        let asked = self.read_tasks(to, &usage).await?;
        let answers = stream::iter(asked)
            .map(|(task, devices, groups)| {
                let (from, known) = (from.clone(), known.get(&task.id).cloned());
                async move {
                    let same = |known: &Known| {
                        known.revision == task.revision.number && known.devices == devices
                    };
                    if let Some(known) = known.filter(same) {
                        return Ok((task.id, known));
                    }
                    let plan = self.plan_task(from.as_ref(), to, &task, &groups).await?;
                    let known = Known {
                        revision: task.revision.number,
                        devices,
                        plan,
                    };
                    Ok::<_, AppError>((task.id, known))
                }
            })
            .buffered(AT_ONCE)
            .collect::<Vec<_>>()
            .await
            .into_iter()
            .collect::<Result<BTreeMap<_, _>, AppError>>()?;
        let plan = plan_of(from.as_deref(), to, &usage, &answers);
        // What uses time or chance may answer otherwise the next time.
        if to.is_pure() && from.as_ref().is_none_or(|from| from.is_pure()) {
            self.0.plans.put(pair, answers);
        }
        Ok(Planned { plan, from, usage })
    }

    /// The tasks, with the profiles of their devices and the digest of those.
    async fn read_tasks(
        &self,
        to: &Plugin,
        usage: &Usage,
    ) -> Result<Vec<(Task, Digest, Vec<usage::Group>)>, AppError> {
        let application = &to.description().application;
        let mut connection = self.0.storage.read().await?;
        let mut asked = Vec::new();
        let mut scopes: HashMap<String, RoaringBitmap> = HashMap::new();
        let mut after = TaskId(0);
        loop {
            let tasks = task_list(&mut connection, Some(application), None, after, PAGE).await?;
            let Some(last) = tasks.last() else {
                return Ok(asked);
            };
            after = last.id;
            for task in tasks {
                let scope = format!("{:?}", task.scope);
                let targets = if let Some(targets) = scopes.get(&scope) {
                    targets
                } else {
                    let targets = devices_of(&mut connection, &task.scope).await?;
                    scopes.entry(scope).or_insert(targets)
                };
                let groups = usage.groups(&task.task_type, targets);
                let devices = usage::digest(&groups);
                asked.push((task, devices, groups));
            }
        }
    }
}

fn plan_of(
    from: Option<&Plugin>,
    to: &Plugin,
    usage: &Usage,
    answers: &BTreeMap<TaskId, Known>,
) -> Plan {
    let description = to.description();
    let tasks: Vec<TaskPlan> = answers.values().map(|known| known.plan.clone()).collect();
    let said: Vec<_> = tasks
        .iter()
        .map(|task| (task.task, task.revision, task.effect.as_str()))
        .collect();
    let from_digest = from.map(Plugin::digest);
    // Counts of devices are left out: they change with every device that comes and goes.
    let state = serde_json::json!([from_digest, to.digest(), said, usage.profiles()]);
    Plan {
        id: Digest::of(state.to_string()),
        application: description.application.clone(),
        from: from_digest,
        to: to.digest(),
        downgrade: from.is_some_and(|from| description.version < from.description().version),
        tasks,
    }
}
