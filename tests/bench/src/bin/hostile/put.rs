//! Puts a case to a live server as an administrator would, and judges the answer.

use crate::devices::{GROUP, GUEST, MODULE};
use anyhow::{Context, Result, bail};
use muster_api::problem::ProblemDocument;
use muster_api::task::{ScopeRequest, TaskCreate, TaskView};
use muster_conformance::{Asked, Case, Expected, Guest, rust, told_to};
use muster_domain::delivery::Cause;
use muster_test_harness::{Answer, Client, until};

/// A case, its component made beforehand.
pub(crate) struct Ready {
    pub(crate) case: &'static Case,
    component: Vec<u8>,
}

/// What a server said to a case.
struct Said {
    /// Whether the server blames the plug-in, or whoever sent it; not itself.
    refused: bool,
    text: String,
}

impl Ready {
    /// Makes the component. None for what no request leads to, or not in a way that tells.
    pub(crate) fn make(case: &'static Case) -> Result<Option<Self>> {
        // Settings are migrated when a plug-in takes the place of another; and the reports of one
        // run may come one by one, so that there is no batch to answer in another order.
        let is_out = case.asked == Asked::Migrate
            || (case.asked == Asked::Interpret && case.expected == Expected::Differs);
        if is_out {
            return Ok(None);
        }
        let component = match case.guest {
            Guest::Loads(behaviour) => rust::that(behaviour)?,
            Guest::Told(_) => Vec::new(),
            Guest::Made(made) => made()?,
        };
        Ok(Some(Self { case, component }))
    }

    /// Puts it to the server. None if it was contained, or what the server said instead.
    pub(crate) async fn put(self, client: &Client) -> Result<Option<String>> {
        let case = self.case;
        let said = self
            .said(client)
            .await
            .with_context(|| format!("the case {}", case.name))?;
        // A plug-in that fails again and again is put aside; each case is to be a case of its own.
        if let Guest::Told(_) = case.guest {
            client.post("/tasks", &task(GUEST, "well")).await?;
        }
        let contained = match case.expected {
            Expected::Error(_, says) => said.refused && said.text.contains(says),
            Expected::Harmless | Expected::Differs => !said.refused,
            Expected::Either => true,
        };
        Ok((!contained).then_some(said.text))
    }

    async fn said(self, client: &Client) -> Result<Said> {
        let case = self.case;
        let Guest::Told(word) = case.guest else {
            let answer = client.plugin_upload(self.component).await?;
            if !answer.status.is_success() || case.asked == Asked::Load {
                return said(&answer);
            }
            return ask(client, case, MODULE, "x").await;
        };
        ask(client, case, GUEST, &told_to(case.asked, word)).await
    }
}

async fn ask(client: &Client, case: &Case, application: &str, word: &str) -> Result<Said> {
    let differed = differed(client).await?;
    let answer = client.post("/tasks", &task(application, word)).await?;
    if !answer.status.is_success() || matches!(case.asked, Asked::Load | Asked::Validate) {
        return said(&answer);
    }
    let task: TaskView = answer.ok()?;
    let run = client.task_start(task.id).await?.id;
    match (case.asked, case.expected) {
        (_, Expected::Differs) => {
            until("the server to find out", async || {
                let now = self::differed(client).await?;
                Ok((now > differed).then_some(()))
            })
            .await?;
            client.run_finished(run).await?;
            Ok(Said {
                refused: false,
                text: String::new(),
            })
        }
        (Asked::Interpret, _) => {
            client.run_finished(run).await?;
            let events = client.events(0, "kind=report.not-interpreted").await?;
            let of_run = format!("The report of run {run} ");
            let found = events
                .into_iter()
                .find(|event| event.text.contains(&of_run));
            let event = found.context("no event tells that it was not interpreted")?;
            Ok(Said {
                refused: true,
                text: event.text,
            })
        }
        _ => {
            let reason = until("the fault to be told", async || {
                let deliveries = client.deliveries(run).await?;
                let mut causes = deliveries.into_iter().filter_map(|delivery| delivery.cause);
                Ok(causes.find_map(|cause| match cause {
                    Cause::PluginFault { reason } => Some(reason),
                    _ => None,
                }))
            })
            .await?;
            client.run_change(run, "stop").await?;
            Ok(Said {
                refused: true,
                text: reason,
            })
        }
    }
}

/// What an answer of the server says. One that blames the server itself is no containment at all.
fn said(answer: &Answer) -> Result<Said> {
    if answer.status.is_success() {
        return Ok(Said {
            refused: false,
            text: String::new(),
        });
    }
    let problem: ProblemDocument =
        serde_json::from_slice(&answer.body).with_context(|| answer.text())?;
    match answer.status.as_u16() {
        // 409: well, but somebody must say yes before it takes the place of another.
        409 => Ok(Said {
            refused: false,
            text: problem.detail,
        }),
        413 | 422 | 502 => Ok(Said {
            refused: true,
            text: problem.detail,
        }),
        status => bail!("the server answered {status}: {}", problem.detail),
    }
}

async fn differed(client: &Client) -> Result<f64> {
    client.metric("muster_plugin_answers_differed_total").await
}

fn task(application: &str, word: &str) -> TaskCreate {
    TaskCreate {
        name: word.into(),
        application: application.into(),
        task_type: "act".into(),
        scope: ScopeRequest::Group {
            group: format!("/{GROUP}"),
            subgroups: true,
            excluded: Vec::new(),
        },
        settings: Some(serde_json::json!({ "do": word })),
        time_limit: None,
    }
}
