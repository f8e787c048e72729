//! Objects as files: tasks that come from another server, and files that say how this one is to be.
//!
//! Both take the same way. [`wanted`] is what a file says; `ask` has the plug-ins look at its tasks; `look`
//! compares it with what is there and says step by step what would become of it, which is the [`plan`];
//! `make` takes the steps. A plan is made twice: for whoever looks at it, and in the transaction that
//! carries it out, which refuses if it came out otherwise. [`export`] writes such files.

mod ask;
pub mod export;
mod look;
mod make;
pub mod plan;
mod reference;
mod same;
pub mod wanted;

use crate::{Administrator, App, AppError};
use ask::Prepared;
use muster_domain::Digest;
use muster_domain::event::{NewEvent, Severity};
use muster_domain::text::counted;
use muster_storage::event::event_insert;
use plan::{Action, ObjectsPlan};
use std::sync::Arc;
use wanted::{Manner, Wanted};

/// Objects in one import, or in the files of one `apply`.
pub const MOST_OBJECTS: usize = 10_000;

impl App {
    /// Says what would become of what is wanted; nothing is done.
    pub async fn objects_plan(
        &self,
        _who: &Administrator,
        wanted: Wanted,
        manner: Manner,
    ) -> Result<ObjectsPlan, AppError> {
        check_size(&wanted)?;
        let prepared = self.objects_ask(wanted, manner).await?;
        let looked = look::look(&mut *self.0.storage.read().await?, &prepared).await?;
        Ok(looked.plan)
    }

    /// Does what the plan of this id says: all of it, or nothing. Refused if the plan, made again, is another
    /// one.
    pub async fn objects_commit(
        &self,
        who: &Administrator,
        wanted: Wanted,
        manner: Manner,
        id: Digest,
    ) -> Result<ObjectsPlan, AppError> {
        check_size(&wanted)?;
        let mut shared = Vec::new();
        // In their order, so that two who want several never wait for each other.
        for application in wanted.applications() {
            shared.push(self.0.switches.shared(&application).await);
        }
        let prepared = Arc::new(self.objects_ask(wanted, manner).await?);
        let maker = who.clone();
        let plan = self
            .logged(move |connection| {
                Box::pin(async move { carry_out(connection, &maker, &prepared, id).await })
            })
            .await;
        drop(shared);
        if let Err(error) = &plan
            && error.fault() == muster_plugin_host::Fault::Caller
        {
            let text = format!("An import, or what was to be applied, was refused: {error}");
            let fields = serde_json::json!({ "code": error.code() });
            let event = NewEvent::new("objects.refused", Severity::Warning, who.actor(), text);
            self.event_write(event.with(fields)).await?;
        }
        if plan.is_ok() {
            self.members_begin().await?;
        }
        self.0.hints.everything();
        plan
    }
}

async fn carry_out(
    connection: &mut muster_storage::Connection,
    who: &Administrator,
    prepared: &Prepared,
    id: Digest,
) -> Result<ObjectsPlan, AppError> {
    let looked = look::look(connection, prepared).await?;
    let mut plan = looked.plan.clone();
    if plan.id != id {
        return Err(AppError::Conflict {
            code: "plan-outdated",
            text: format!(
                "plan {} was made on a state that has changed since; the plan is {} now: look at it again, and \
                 accept that one if it is meant",
                id.short(),
                plan.id.short()
            ),
        });
    }
    if let Some(item) = plan
        .items
        .iter()
        .find(|item| item.action == Action::Refused)
    {
        let why = item.findings.first().map(|finding| finding.text.clone());
        return Err(AppError::Conflict {
            code: "plan-refused",
            text: format!(
                "the plan cannot be carried out: {} {} is refused: {}",
                item.kind_word(),
                item.name,
                why.unwrap_or_default()
            ),
        });
    }
    make::make(connection, who, prepared, looked).await?;
    muster_crash_point::reach("objects.before-commit");
    let (kind, verb) = match &prepared.manner {
        Manner::Import(_) => ("objects.imported", "imported from a file"),
        Manner::Apply { .. } => ("objects.applied", "applied from files"),
    };
    if plan.changes() > 0 {
        let text = format!("{} was {verb}.", counted(plan.changes(), "change"));
        let fields = serde_json::json!({
            "plan": plan.id,
            "created": plan.count(Action::Create),
            "changed": plan.count(Action::Change),
            "removed": plan.count(Action::Remove),
        });
        let event = NewEvent::new(kind, Severity::Info, who.actor(), text).with(fields);
        event_insert(connection, muster_clock::now(), &[event]).await?;
    }
    plan.done = true;
    Ok(plan)
}

fn check_size(wanted: &Wanted) -> Result<(), AppError> {
    let count = wanted.count();
    if count <= MOST_OBJECTS {
        return Ok(());
    }
    Err(AppError::Invalid {
        code: "objects-too-many",
        text: format!(
            "there are {count} objects in it; at most {MOST_OBJECTS} are taken at once: split it"
        ),
    })
}
