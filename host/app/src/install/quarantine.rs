//! Quarantine: a plug-in that fails again and again is put aside, so that nobody waits for it and no
//! device is left hanging on it. It proves itself from time to time, by its own examples, and goes
//! back to work when it can.

use super::revision_event;
use crate::{App, AppError};
use jiff::Timestamp;
use muster_domain::chain;
use muster_domain::event::{Actor, Severity};
use muster_domain::revision::RevisionState;
use muster_plugin_host::Plugin;
use muster_storage::event::event_insert;
use muster_storage::plugin::{plugin_in, plugin_revision, plugin_state_set};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// The reason, for programs: there are others, and those are not for a plug-in to prove wrong.
const FAULTS: &str = "faults";
/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);

/// A plug-in that may prove itself.
struct Patient {
    plugin: Arc<Plugin>,
    pause: Duration,
    due: Instant,
}

/// Puts sick plug-ins aside and well ones back, until the server ends.
pub(crate) async fn work(app: App) {
    let mut patients = app.quarantine_take_up().await.unwrap_or_else(|error| {
        tracing::error!(error = %chain(&error), "plug-ins in quarantine stay there");
        Vec::new()
    });
    loop {
        let next = patients.iter().map(|patient| patient.due).min();
        let due = async {
            match next {
                Some(due) => sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = app.0.stopping.cancelled() => return,
            () = app.0.plugin_host.until_sick() => app.quarantine_admit(&mut patients).await,
            () = due => app.quarantine_visit(&mut patients).await,
        }
    }
}

impl App {
    /// Those that were put aside when the server ended.
    async fn quarantine_take_up(&self) -> Result<Vec<Patient>, AppError> {
        if self.0.safe_mode {
            return Ok(Vec::new());
        }
        let mut connection = self.0.storage.read().await?;
        let rows = plugin_in(&mut connection, &[RevisionState::Quarantined]).await?;
        drop(connection);
        let mut patients = Vec::new();
        for row in rows {
            if row.code.as_deref() != Some(FAULTS) {
                continue;
            }
            match self.revision_load(&row).await {
                Ok(plugin) => patients.push(self.patient(plugin, Duration::ZERO)),
                Err(error) => {
                    let why = chain(&error);
                    tracing::error!(digest = %row.digest, %why, "a plug-in in quarantine could not be loaded");
                }
            }
        }
        Ok(patients)
    }

    fn patient(&self, plugin: Arc<Plugin>, first: Duration) -> Patient {
        Patient {
            plugin,
            pause: self.0.probe_after,
            due: Instant::now() + first,
        }
    }

    /// Puts aside all that failed too often.
    async fn quarantine_admit(&self, patients: &mut Vec<Patient>) {
        for plugin in self.0.applications.all() {
            if !plugin.is_sick() {
                continue;
            }
            match self.put_aside(&plugin).await {
                Ok(true) => patients.push(self.patient(plugin, self.0.probe_after)),
                Ok(false) => {}
                Err(error) => {
                    let why = chain(&error);
                    tracing::error!(digest = %plugin.digest(), %why, "a plug-in that fails again and again stays at work");
                }
            }
        }
    }

    /// Whether it was at work, and is put aside now.
    async fn put_aside(&self, plugin: &Arc<Plugin>) -> Result<bool, AppError> {
        let application = &plugin.description().application;
        let alone = self.0.switches.alone(application).await;
        let last = plugin.last_fault().map_or_else(String::new, |fault| {
            format!("; the last one: {}: {}", fault.function, fault.failure)
        });
        let why = format!("its calls failed again and again{last}");
        let text = format!(
            "The plug-in of {}, version {}, was put aside: {why}.",
            plugin.description().name,
            plugin.description().version
        );
        let moved = self
            .move_row(
                plugin,
                (RevisionState::Active, None),
                (RevisionState::Quarantined, Some(why)),
                ("plugin.quarantined", Severity::Critical, text),
            )
            .await?;
        muster_crash_point::reach("quarantine.committed");
        if moved {
            self.0.applications.spare(plugin);
            self.0.applications.take(application);
            self.0.hints.everything();
        }
        drop(alone);
        Ok(moved)
    }

    /// Lets those prove themselves whose time it is.
    async fn quarantine_visit(&self, patients: &mut Vec<Patient>) {
        let now = Instant::now();
        let mut left = Vec::new();
        for mut patient in std::mem::take(patients) {
            if patient.due > now {
                left.push(patient);
                continue;
            }
            match patient.plugin.probe().await {
                Ok(()) => match self.put_back(&patient.plugin).await {
                    Ok(()) => continue,
                    Err(error) => {
                        let why = chain(&error);
                        tracing::error!(digest = %patient.plugin.digest(), %why, "a plug-in that is well again stays in quarantine");
                    }
                },
                // It could not be asked now, which proves nothing.
                Err(error) if error.failure.is_passing() => {
                    patient.due = Instant::now() + self.0.probe_after;
                    left.push(patient);
                    continue;
                }
                Err(error) => {
                    let (digest, why) = (patient.plugin.digest(), chain(&error));
                    tracing::warn!(%digest, %why, "a plug-in in quarantine did not prove itself");
                }
            }
            patient.due = Instant::now() + patient.pause;
            patient.pause = (patient.pause * 2).min(LONGEST_PAUSE);
            left.push(patient);
        }
        *patients = left;
    }

    /// Puts it back to work, unless something else was decided about it meanwhile.
    async fn put_back(&self, plugin: &Arc<Plugin>) -> Result<(), AppError> {
        let application = &plugin.description().application;
        let alone = self.0.switches.alone(application).await;
        let terms = self.terms_at_work(plugin).await?;
        let text = format!(
            "The plug-in of {}, version {}, validates its examples again and is back at work.",
            plugin.description().name,
            plugin.description().version
        );
        let moved = self
            .move_row(
                plugin,
                (RevisionState::Quarantined, Some(FAULTS)),
                (RevisionState::Active, None),
                ("plugin.recovered", Severity::Info, text),
            )
            .await?;
        muster_crash_point::reach("quarantine.recovered");
        if moved {
            self.swap(plugin, &terms);
        }
        drop(alone);
        if moved {
            self.after_swap(application).await?;
        }
        Ok(())
    }

    /// Moves a revision from one state to another, with its event; false if it is in neither.
    async fn move_row(
        &self,
        plugin: &Plugin,
        from: (RevisionState, Option<&'static str>),
        to: (RevisionState, Option<String>),
        (kind, severity, text): (&'static str, Severity, String),
    ) -> Result<bool, AppError> {
        let application = plugin.description().application.clone();
        let digest = plugin.digest();
        let fields = serde_json::json!({ "digest": digest, "state": to.0, "reason": to.1 });
        let event = revision_event(
            kind,
            severity,
            Actor::Server,
            Some(&application),
            text,
            fields,
        );
        self.logged(move |connection| {
            Box::pin(async move {
                let row = plugin_revision(connection, &application, digest).await?;
                if row.is_none_or(|row| (row.state, row.code.as_deref()) != from) {
                    return Ok(false);
                }
                let now = Timestamp::now();
                let (state, why) = &to;
                let why = why.as_deref().map(|why| (FAULTS, why));
                plugin_state_set(connection, &application, digest, *state, why, now).await?;
                event_insert(connection, now, &[event]).await?;
                Ok(true)
            })
        })
        .await
    }
}
