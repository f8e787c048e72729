//! Later: reports that came while their application had no plug-in are given a meaning when it has
//! one again, and those that came while the server was too busy to ask it, after a while. Until then
//! their exit statuses decide.

use super::interpret::{Meaning, interpret};
use super::keep::{Later, keep_later};
use crate::{App, AppError};
use muster_agent_protocol::message::End;
use muster_domain::ApplicationId;
use muster_domain::chain;
use muster_domain::report::Report;
use muster_storage::delivery::report_list_waiting;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Reports in one transaction.
const MOST: u32 = 200;

/// Reports that the server was too busy for are taken up again after so long.
const PAUSE: Duration = Duration::from_secs(30);

/// Applications whose reports are taken up when a pause ends.
#[derive(Default)]
pub(crate) struct Pauses(Mutex<BTreeSet<ApplicationId>>);

impl Pauses {
    fn all(&self) -> MutexGuard<'_, BTreeSet<ApplicationId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl App {
    /// Takes up the reports of an application that wait, when there is time for it.
    pub(crate) fn reports_take_up(&self, application: &ApplicationId) {
        if self.0.pauses.all().contains(application) {
            return;
        }
        let (app, application) = (self.clone(), application.clone());
        self.0.workers.spawn(async move {
            if let Err(error) = app.reports_later(&application).await {
                let error = chain(&error);
                tracing::error!(%application, %error, "reports still wait for their meaning");
            }
        });
    }

    async fn reports_later(&self, application: &ApplicationId) -> Result<(), AppError> {
        while !self.0.stopping.is_cancelled() {
            let mut connection = self.0.storage.read().await?;
            let waiting = report_list_waiting(&mut connection, application, MOST).await?;
            drop(connection);
            let mut all = Vec::with_capacity(waiting.len());
            for (run, device, body) in waiting {
                let Some((end, report)) = read(&body) else {
                    tracing::error!(%run, %device, "a report that waits cannot be read");
                    continue;
                };
                all.push(Later {
                    run,
                    device,
                    end,
                    report,
                });
            }
            let reported: Vec<_> = all
                .iter()
                .map(|later| (later.run, later.device, &later.report))
                .collect();
            let meanings = interpret(self, &reported).await?;
            let settled = meanings
                .values()
                .any(|meaning| !matches!(meaning, Meaning::Waits));
            if !settled {
                if meanings.is_empty() || !self.may_be_asked(application) {
                    return Ok(());
                }
                // There is a plug-in, and yet no word of it.
                if !self.pause(application).await {
                    return Ok(());
                }
                continue;
            }
            let kept = self
                .logged(move |connection| Box::pin(keep_later(connection, all, meanings)))
                .await?;
            for run in kept.runs {
                self.0.watch.run_changed(run);
            }
        }
        Ok(())
    }

    fn may_be_asked(&self, application: &ApplicationId) -> bool {
        let plugin = self.0.applications.get(application);
        plugin.is_some_and(|plugin| !plugin.is_compiling())
    }

    /// Waits for better times; false if somebody else does already, or the server is stopping.
    async fn pause(&self, application: &ApplicationId) -> bool {
        if !self.0.pauses.all().insert(application.clone()) {
            return false;
        }
        let over = tokio::select! {
            () = self.0.stopping.cancelled() => false,
            () = tokio::time::sleep(PAUSE) => true,
        };
        self.0.pauses.all().remove(application);
        over
    }
}

fn read(body: &str) -> Option<(End, Report)> {
    let mut value: Value = serde_json::from_str(body).ok()?;
    let end = serde_json::from_value(value.get_mut("end")?.take()).ok()?;
    let report = serde_json::from_value(value.get_mut("report")?.take()).ok()?;
    Some((end, report))
}
