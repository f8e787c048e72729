//! Recompile: a plug-in whose code is not there for this build of the server passes the gate once
//! more, while the server works and all others serve. That is so after the server was upgraded, and
//! when compiled code was damaged or deleted. Until then its calls say so, its deliveries wait, and
//! reports are kept for it.

use super::revision_event;
use crate::{App, AppError};
use jiff::Timestamp;
use muster_domain::chain;
use muster_domain::event::{Actor, Severity};
use muster_domain::revision::RevisionState;
use muster_plugin_host::Plugin;
use muster_storage::event::event_insert;
use muster_storage::plugin::{PluginRow, plugin_revision};
use std::sync::Arc;
use std::time::Duration;

/// After a failure that says nothing of the plug-in, it is compiled anew so soon.
const RETRY: Duration = Duration::from_secs(10);

/// Compiles what is to be compiled, one after the other, until the server ends.
pub(crate) async fn work(app: App) {
    loop {
        let mut again = false;
        for plugin in app.0.applications.all() {
            if app.0.stopping.is_cancelled() {
                return;
            }
            if plugin.is_compiling()
                && let Err(error) = app.recompile(&plugin).await
            {
                again = true;
                let (digest, why) = (plugin.digest(), chain(&error));
                tracing::error!(%digest, %why, "a plug-in could not be compiled anew");
            }
        }
        tokio::select! {
            () = app.0.stopping.cancelled() => return,
            () = app.0.plugin_host.until_uncompiled() => {}
            () = tokio::time::sleep(RETRY), if again => {}
        }
    }
}

impl App {
    /// Puts the same revision in its own place, compiled; or says why it cannot work any more.
    async fn recompile(&self, plugin: &Arc<Plugin>) -> Result<(), AppError> {
        let application = &plugin.description().application;
        let Some(row) = self.still_there(plugin).await? else {
            return Ok(());
        };
        tracing::info!(%application, digest = %plugin.digest(), "compiling a plug-in anew");
        let compiled = self.gate_again(&row).await;
        // What an administrator decided meanwhile holds.
        let alone = self.0.switches.alone(application).await;
        let Some(row) = self.still_there(plugin).await? else {
            return Ok(());
        };
        match compiled {
            Ok(compiled) => {
                let terms = self.terms_at_work(&compiled).await?;
                self.loaded(&row, None).await?;
                self.compiled_anew(&row).await?;
                self.swap(&compiled, &terms);
            }
            // It waits as it did.
            Err(error) if error.is_passing() => return Err(error),
            Err(error) => {
                self.could_not_load(&row, &error).await?;
                self.0.applications.take(application);
            }
        }
        drop(alone);
        self.0.hints.everything();
        self.reports_take_up(application);
        Ok(())
    }

    /// The row of a plug-in, if it is this very one that has its application's place.
    async fn still_there(&self, plugin: &Arc<Plugin>) -> Result<Option<PluginRow>, AppError> {
        let application = &plugin.description().application;
        let at_work = self.0.applications.get(application);
        if !at_work.is_some_and(|at_work| Arc::ptr_eq(&at_work, plugin)) {
            return Ok(None);
        }
        let mut connection = self.0.storage.read().await?;
        let row = plugin_revision(&mut connection, application, plugin.digest()).await?;
        let place = [RevisionState::Active, RevisionState::Failed];
        Ok(row.filter(|row| place.contains(&row.state)))
    }

    async fn compiled_anew(&self, row: &PluginRow) -> Result<(), AppError> {
        let description = &row.description;
        let text = format!(
            "The plug-in of {}, version {}, was compiled anew for this server.",
            description.name, description.version
        );
        let event = revision_event(
            "plugin.recompiled",
            Severity::Info,
            Actor::Server,
            Some(&description.application),
            text,
            serde_json::json!({ "digest": row.digest }),
        );
        self.logged(move |connection| {
            Box::pin(async move { Ok(event_insert(connection, Timestamp::now(), &[event]).await?) })
        })
        .await
    }
}
