//! Later: reports that came while their application had no plug-in are given a meaning when it has
//! one again. Until then their exit statuses decide.

use super::interpret::{Meaning, interpret};
use super::keep::{Later, keep_later};
use crate::install::chain;
use crate::{App, AppError};
use muster_agent_protocol::message::End;
use muster_domain::ApplicationId;
use muster_domain::report::Report;
use muster_storage::delivery::report_list_waiting;
use serde_json::Value;

/// Reports in one transaction.
const MOST: u32 = 200;

impl App {
    /// Takes up the reports of an application that wait, when there is time for it.
    pub(crate) fn reports_take_up(&self, application: &ApplicationId) {
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
                return Ok(());
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
}

fn read(body: &str) -> Option<(End, Report)> {
    let mut value: Value = serde_json::from_str(body).ok()?;
    let end = serde_json::from_value(value.get_mut("end")?.take()).ok()?;
    let report = serde_json::from_value(value.get_mut("report")?.take()).ok()?;
    Some((end, report))
}
