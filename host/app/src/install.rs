//! Management plug-ins: installed, listed, removed, and loaded again when the server starts.

use crate::error::sentence;
use crate::{Administrator, App, AppError};
use jiff::Timestamp;
use muster_domain::event::{Actor, NewEvent, Severity, Subject};
use muster_domain::{ApplicationId, Digest};
use muster_plugin_host::{LoadError, Plugin, Terms};
use muster_release::bundle::{Bundle, Evidence};
use muster_storage::event::event_insert;
use muster_storage::plugin::{
    PluginRow, PluginState, plugin_insert, plugin_latest, plugin_list, plugin_state_set,
};
use muster_storage::task::task_count;
use std::sync::Arc;

impl App {
    /// Installs a plug-in from its release: through the gate, into the store, to work. The same
    /// component again changes nothing. A plug-in of a lower version does not replace a higher one.
    pub async fn plugin_install(
        &self,
        who: &Administrator,
        release: Bundle,
    ) -> Result<PluginRow, AppError> {
        let evidence = Evidence::of(&release);
        let component: Arc<[u8]> = release.component.into();
        let plugin = match self
            .0
            .plugin_host
            .load(Arc::clone(&component), Terms::default())
            .await
        {
            Ok(plugin) => plugin,
            Err(error) => {
                self.plugin_refused(who, Digest::of(&component), &error)
                    .await?;
                return Err(error.into());
            }
        };
        self.component_keep(plugin.digest(), component, evidence)
            .await?;
        muster_crash_point::reach("install.component-kept");
        let row = self.plugin_activate(who, &plugin).await?;
        muster_crash_point::reach("install.committed");
        self.0.applications.put(&plugin);
        self.0.watch.log_grew();
        self.0.hints.everything();
        Ok(row)
    }

    async fn plugin_activate(
        &self,
        who: &Administrator,
        plugin: &Plugin,
    ) -> Result<PluginRow, AppError> {
        let row = PluginRow {
            description: plugin.description().clone(),
            digest: plugin.digest(),
            state: PluginState::Active,
            reason: None,
            size: plugin.size() as u64,
            installed_at: Timestamp::now(),
            installed_by: who.actor(),
        };
        self.0
            .storage
            .write(move |connection| {
                Box::pin(async move {
                    let application = &row.description.application;
                    let before = plugin_latest(connection, application).await?;
                    let before = before.filter(|before| before.state != PluginState::Removed);
                    if let Some(before) = &before {
                        if before.digest == row.digest && before.state == PluginState::Active {
                            return Ok(before.clone());
                        }
                        refuse_downgrade(before, &row)?;
                        let state = PluginState::Superseded;
                        plugin_state_set(connection, application, before.digest, state, None)
                            .await?;
                    }
                    plugin_insert(connection, &row).await?;
                    let event = installed_event(&row, before.as_ref());
                    event_insert(connection, row.installed_at, &[event]).await?;
                    Ok(row)
                })
            })
            .await
    }

    async fn plugin_refused(
        &self,
        who: &Administrator,
        digest: Digest,
        error: &LoadError,
    ) -> Result<(), AppError> {
        let why = chain(error);
        tracing::warn!(%digest, %why, "a plug-in was refused");
        let event = NewEvent::new(
            "plugin.refused",
            Severity::Warning,
            who.actor(),
            sentence(format!("Plug-in {} was refused: {why}", digest.short())),
        )
        .with(serde_json::json!({ "digest": digest, "reason": why }));
        self.event_write(event).await
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

    /// Removes an application's plug-in. Its tasks stay and cannot be started; deliveries under way
    /// end. Returns how many tasks are left without it.
    pub async fn plugin_remove(
        &self,
        who: &Administrator,
        application: &ApplicationId,
    ) -> Result<u64, AppError> {
        let (actor, id) = (who.actor(), application.clone());
        let tasks = self
            .0
            .storage
            .write(move |connection| {
                Box::pin(async move {
                    let row = plugin_latest(connection, &id)
                        .await?
                        .filter(|row| row.state != PluginState::Removed)
                        .ok_or_else(|| AppError::not_found("plug-in for application", &id))?;
                    plugin_state_set(connection, &id, row.digest, PluginState::Removed, None)
                        .await?;
                    let tasks = task_count(connection, &id).await?;
                    let text = format!(
                        "The plug-in of {} was removed; {tasks} tasks are left without one.",
                        row.description.name
                    );
                    let event = NewEvent::new("plugin.removed", Severity::Warning, actor, text)
                        .about(Subject {
                            application: Some(id),
                            ..Subject::default()
                        })
                        .with(serde_json::json!({ "digest": row.digest, "tasks": tasks }));
                    event_insert(connection, Timestamp::now(), &[event]).await?;
                    Ok::<_, AppError>(tasks)
                })
            })
            .await?;
        self.0.applications.take(application);
        self.0.watch.log_grew();
        Ok(tasks)
    }

    /// Loads what was active when the server ended. One that cannot be loaded is marked and told,
    /// and does not keep the others, or the server, from starting.
    pub(crate) async fn plugins_load(&self) -> Result<(), AppError> {
        let rows = plugin_list(&mut *self.0.storage.read().await?).await?;
        for row in rows {
            if row.state == PluginState::Removed {
                continue;
            }
            match self.plugin_load(row.digest).await {
                Ok(plugin) => {
                    self.plugin_state(&row, PluginState::Active, None).await?;
                    self.0.applications.put(&plugin);
                }
                Err(error) => {
                    let why = chain(&error);
                    tracing::error!(application = %row.description.application, %why,
                        "a plug-in could not be loaded");
                    self.plugin_state(&row, PluginState::Failed, Some(why))
                        .await?;
                }
            }
        }
        Ok(())
    }

    async fn plugin_load(&self, digest: Digest) -> Result<Arc<Plugin>, AppError> {
        let bytes = self.0.components.read(digest)?;
        Ok(self
            .0
            .plugin_host
            .load(bytes.into(), Terms::default())
            .await?)
    }

    async fn plugin_state(
        &self,
        row: &PluginRow,
        state: PluginState,
        reason: Option<String>,
    ) -> Result<(), AppError> {
        if row.state == state && row.reason == reason {
            return Ok(());
        }
        let (application, digest) = (row.description.application.clone(), row.digest);
        let (kind, severity, text) = match &reason {
            None => (
                "plugin.loaded",
                Severity::Info,
                "could be loaded again".to_owned(),
            ),
            Some(why) => (
                "plugin.failed",
                Severity::Critical,
                format!("could not be loaded: {why}"),
            ),
        };
        let text = format!("The plug-in of {} {text}.", row.description.name);
        self.0
            .storage
            .write(move |connection| {
                Box::pin(async move {
                    let why = reason.as_deref();
                    plugin_state_set(connection, &application, digest, state, why).await?;
                    let subject = Subject {
                        application: Some(application),
                        ..Subject::default()
                    };
                    let event = NewEvent::new(kind, severity, Actor::Server, text).about(subject);
                    event_insert(connection, Timestamp::now(), &[event]).await?;
                    Ok(())
                })
            })
            .await
    }
}

fn refuse_downgrade(before: &PluginRow, next: &PluginRow) -> Result<(), AppError> {
    let (has, comes) = (&before.description.version, &next.description.version);
    if comes < has {
        return Err(AppError::Conflict {
            code: "plugin-downgrade",
            text: format!(
                "version {has} of this plug-in is installed and {comes} is lower; remove it first \
                 if a lower version is really meant"
            ),
        });
    }
    Ok(())
}

fn installed_event(row: &PluginRow, before: Option<&PluginRow>) -> NewEvent {
    let description = &row.description;
    let instead = before.map_or_else(String::new, |before| {
        format!(" in place of version {}", before.description.version)
    });
    let text = format!(
        "The plug-in of {}, version {}, was installed{instead}.",
        description.name, description.version
    );
    NewEvent::new(
        "plugin.installed",
        Severity::Info,
        row.installed_by.clone(),
        text,
    )
    .about(Subject {
        application: Some(description.application.clone()),
        ..Subject::default()
    })
    .with(serde_json::json!({
        "digest": row.digest,
        "version": description.version.to_string(),
        "instead-of": before.map(|before| before.digest),
    }))
}

/// An error and its causes in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.ends_with(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}
