//! Install: a release becomes a revision of a plug-in, and the revision goes to work.
//!
//! In the order in which things happen: the [`gate`] takes a component and says whether it is a
//! plug-in; the [`plan`] says what it would mean for tasks and devices; [`activate`] puts it to
//! work, and brings back the one before; [`shadow`] tries it beside the one at work; [`keep`] throws
//! away what nothing needs any more; [`remove`] takes a plug-in from its application;
//! [`quarantine`] puts one aside that fails again and again. [`load`] brings all back when the
//! server starts, and [`recompile`] has compiled what this build of it has no code for.

mod activate;
mod gate;
pub(crate) mod keep;
pub(crate) mod load;
mod plan;
pub(crate) mod quarantine;
pub(crate) mod recompile;
mod remove;
pub(crate) mod shadow;
mod switch;
mod upload;

pub use activate::{Accept, Activated};
pub(crate) use plan::Plans;
pub use remove::RemovalPreview;
pub use shadow::ShadowCounts;
pub(crate) use switch::Switches;

use crate::grant::ASKS;
use crate::{Administrator, App, AppError};
use muster_domain::event::{Actor, NewEvent, Severity, Subject};
use muster_domain::grant::Words;
use muster_domain::plan::Plan;
use muster_domain::revision::RevisionState;
use muster_domain::{ApplicationId, Digest};
use muster_release::bundle::Bundle;
use muster_storage::plugin::upload::UploadRow;
use muster_storage::plugin::{
    PluginRow, plugin_latest, plugin_list, plugin_revision, plugin_revisions,
};

/// How an install goes on after the gate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct InstallOptions {
    /// Put it to work in place of another one by itself, if the plan is clean.
    pub auto: bool,
    /// A lower version may replace a higher one.
    pub allow_downgrade: bool,
    /// Leave it ready in any case.
    pub hold: bool,
}

/// What came of an install.
#[derive(Debug, Clone)]
pub struct Installed {
    /// The revision: active, or ready and waiting for somebody's word.
    pub row: PluginRow,
    /// What it means for tasks and devices, where it replaces or would replace another one.
    pub plan: Option<Plan>,
    /// Whether anything changed.
    pub new: bool,
}

impl App {
    /// Installs a plug-in from a release of it. Where no plug-in has the application's place it goes
    /// to work; where one has, able to work or not, the plan decides. What the gate refuses is kept in mind with the
    /// reason, and changes nothing. The same component again changes nothing either.
    ///
    /// `said` is what is granted and denied of what it asks for. While anything that it asks for has
    /// no word, it stays ready, and its reason says for what.
    pub async fn plugin_install(
        &self,
        who: &Administrator,
        release: Bundle,
        said: Words,
        options: InstallOptions,
    ) -> Result<Installed, AppError> {
        let downgrade = options.allow_downgrade;
        let mut candidate = self.gate(who, release, &said, downgrade).await?;
        if let Some(row) = candidate.at_work {
            if !said.0.is_empty() {
                let application = &row.description.application;
                self.plugin_grant(who, application, None, said).await?;
            }
            return Ok(Installed {
                row,
                plan: None,
                new: false,
            });
        }
        match self.passed(who, &mut candidate, said, options).await {
            Ok(done) => {
                let replaces = done.plan.from.is_some();
                Ok(Installed {
                    row: done.row,
                    plan: Some(done.plan).filter(|_| replaces || options.hold),
                    new: true,
                })
            }
            Err(error) => {
                self.upload_refused(&candidate.upload, &error).await?;
                drop(candidate);
                self.clean_later();
                Err(error)
            }
        }
    }

    /// What passed the gate becomes a revision, and goes to work if it may.
    async fn passed(
        &self,
        who: &Administrator,
        candidate: &mut gate::Candidate,
        said: Words,
        options: InstallOptions,
    ) -> Result<Activated, AppError> {
        let waits = self.words_at_gate(who, &candidate.plugin, said).await?;
        let accept = if waits.is_some() || options.hold {
            Accept::Nothing
        } else {
            Accept::New { auto: options.auto }
        };
        if let Some(waits) = waits {
            candidate.row.code = Some(ASKS.to_owned());
            candidate.row.reason = Some(waits);
        }
        let row = Some(candidate.row.clone());
        self.put_to_work(who.actor(), &candidate.plugin, row, accept)
            .await
    }

    /// The plug-in of every application that has or had one.
    pub async fn plugin_list(&self, _who: &Administrator) -> Result<Vec<PluginRow>, AppError> {
        Ok(plugin_list(&mut *self.0.storage.read().await?).await?)
    }

    /// The plug-in that an application has or had.
    pub async fn plugin_get(
        &self,
        _who: &Administrator,
        application: &ApplicationId,
    ) -> Result<PluginRow, AppError> {
        plugin_latest(&mut *self.0.storage.read().await?, application)
            .await?
            .ok_or_else(|| AppError::not_found("plug-in for application", &application))
    }

    /// Every revision that an application has or had: the one at work first.
    pub async fn plugin_revisions(
        &self,
        _who: &Administrator,
        application: &ApplicationId,
    ) -> Result<Vec<PluginRow>, AppError> {
        let rows = plugin_revisions(&mut *self.0.storage.read().await?, application).await?;
        if rows.is_empty() {
            return Err(AppError::not_found("plug-in for application", application));
        }
        Ok(rows)
    }

    /// What the gate refused or is at, the newest first.
    pub async fn plugin_uploads(&self, _who: &Administrator) -> Result<Vec<UploadRow>, AppError> {
        let mut connection = self.0.storage.read().await?;
        Ok(muster_storage::plugin::upload::upload_list(&mut connection).await?)
    }

    /// What it would mean to put a revision to work.
    pub async fn plugin_plan(
        &self,
        _who: &Administrator,
        application: &ApplicationId,
        digest: Digest,
    ) -> Result<Plan, AppError> {
        let row = self.revision(application, digest).await?;
        let plugin = self.revision_load(&row).await?;
        self.plan(&plugin).await
    }

    /// A revision whose component is kept and that is not at work.
    async fn revision(
        &self,
        application: &ApplicationId,
        digest: Digest,
    ) -> Result<PluginRow, AppError> {
        let row = plugin_revision(&mut *self.0.storage.read().await?, application, digest).await?;
        let row = row.ok_or_else(|| AppError::not_found("revision", &digest))?;
        match row.state {
            state if state.may_activate() => Ok(row),
            RevisionState::Active => Err(AppError::Conflict {
                code: "revision-active",
                text: format!(
                    "revision {} of {application} is at work already",
                    digest.short()
                ),
            }),
            state => Err(AppError::Conflict {
                code: "revision-not-kept",
                text: format!(
                    "revision {} of {application} is {state}; install its component again",
                    digest.short()
                ),
            }),
        }
    }
}

/// An event of a revision's, with what programs want to know.
fn revision_event(
    kind: &str,
    severity: Severity,
    actor: Actor,
    application: Option<&ApplicationId>,
    text: String,
    fields: serde_json::Value,
) -> NewEvent {
    NewEvent::new(kind, severity, actor, text)
        .about(Subject {
            application: application.cloned(),
            ..Subject::default()
        })
        .with(fields)
}
