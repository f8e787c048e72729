//! Puts a case to a live server as an administrator would, and judges the answer.

use crate::devices::{GROUP, GUEST, MODULE};
use anyhow::{Context, Result, bail, ensure};
use muster_api::problem::ProblemDocument;
use muster_api::task::{ScopeRequest, TaskCreate, TaskView};
use muster_conformance::{Asked, Case, Expected, Guest, rust, told_to};
use muster_test_harness::{Answer, Client, until};
use std::time::Duration;

/// What settings say that tell a guest nothing in particular: long enough for what looks at them long.
const PLAIN: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
/// Runs for a sample to take in the call that is to be asked again.
const RUNS: usize = 20;
/// How the gate says that a component failed at its own example, which `validate` is asked.
const OWN_EXAMPLE: &str = "it did not validate its own example";
/// How the server says that a call came to nothing.
const NO_ANSWER: &str = "gave no usable answer to ";
/// Looks after each run at whether it was, which is a moment after its answer.
const LOOKS: usize = 40;
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// A case, its component made beforehand.
pub(crate) struct Ready {
    pub(crate) case: &'static Case,
    component: Vec<u8>,
    /// The application that is asked. A component that is more than loaded has one of its own, so that
    /// no other case takes its place.
    pub(crate) application: String,
}

/// What a server said to a case.
struct Said {
    /// Whether the server blames the plug-in, or whoever sent it; not itself.
    refused: bool,
    /// Whether the gate said it. A component is no plug-in by then, and goes by its digest.
    at_gate: bool,
    text: String,
}

impl Ready {
    /// Makes the component. None for what no request leads to, or not in a way that tells.
    pub(crate) fn make(number: usize, case: &'static Case) -> Result<Option<Self>> {
        // Settings are migrated when a plug-in takes the place of another; and the reports of one
        // run may come one by one, so that there is no batch to answer in another order.
        let is_out = case.asked == Asked::Migrate
            || (case.asked == Asked::Interpret && case.expected == Expected::Differs);
        if is_out {
            return Ok(None);
        }
        let (mut component, usual) = match case.guest {
            Guest::Loads(behaviour) => (rust::that(behaviour)?, GUEST),
            Guest::Told(_) => (Vec::new(), GUEST),
            Guest::Made(made) => (made()?, MODULE),
        };
        let mut application = usual.to_owned();
        if case.asked != Asked::Load && !matches!(case.guest, Guest::Told(_)) {
            application = own(usual, number);
            rename(&mut component, usual, &application)?;
        }
        Ok(Some(Self {
            case,
            component,
            application,
        }))
    }

    /// Puts it to the server. None if it was contained, or what the server said instead.
    pub(crate) async fn put(mut self, client: &Client) -> Result<Option<String>> {
        let case = self.case;
        let said = self
            .said(client)
            .await
            .with_context(|| format!("the case {}", case.name))?;
        // A plug-in that fails again and again is put aside, and comes back when it proves itself;
        // each case is to be a case of its own.
        if let Guest::Told(_) = case.guest {
            well_again(client).await?;
        }
        let contained = match case.expected {
            Expected::Error(_, says) => {
                said.refused && said.text.contains(says) && named(case, &self.application, &said)
            }
            Expected::Harmless | Expected::Differs => !said.refused,
            Expected::Either => true,
        };
        Ok((!contained).then_some(said.text))
    }

    async fn said(&mut self, client: &Client) -> Result<Said> {
        let case = self.case;
        let Guest::Told(word) = case.guest else {
            let component = std::mem::take(&mut self.component);
            let answer = client.plugin_upload(component).await?;
            if !answer.status.is_success() || case.asked == Asked::Load {
                let said = said(&answer)?;
                return Ok(Said {
                    at_gate: true,
                    ..said
                });
            }
            return ask(client, case, &self.application, PLAIN).await;
        };
        ask(client, case, GUEST, &told_to(case.asked, word)).await
    }
}

/// Whether an error says whose plug-in it was and what it was asked. What is refused before it can
/// be asked has no function yet, and bad settings are nobody's fault but their author's.
fn named(case: &Case, application: &str, said: &Said) -> bool {
    case.asked == Asked::Load
        || case.expected.is_of_settings()
        || (said.at_gate
            && case.asked == Asked::Validate
            && said.text.starts_with("Component ")
            && said.text.contains(OWN_EXAMPLE))
        || (said.text.contains(application)
            && said.text.contains(&format!("{NO_ANSWER}{}:", case.asked)))
}

/// The id of an application of a case's own, as long as the usual one.
fn own(usual: &str, number: usize) -> String {
    let stem = usual.len().saturating_sub(4);
    let stem: String = usual.chars().take(stem).collect();
    format!("{stem}{number:04}")
}

fn rename(component: &mut [u8], usual: &str, own: &str) -> Result<()> {
    let is_there = |window: &[u8]| window == usual.as_bytes();
    let places: Vec<usize> = (component.windows(usual.len()).enumerate())
        .filter_map(|(place, window)| is_there(window).then_some(place))
        .collect();
    ensure!(!places.is_empty(), "the component does not name {usual}");
    for place in places {
        let bytes = component.iter_mut().skip(place);
        bytes.zip(own.bytes()).for_each(|(to, byte)| *to = byte);
    }
    Ok(())
}

async fn ask(client: &Client, case: &Case, application: &str, word: &str) -> Result<Said> {
    let differed = differed(client).await?;
    let answer = until("the plug-in to be at work", async || {
        let answer = client.post("/tasks", &task(application, word)).await?;
        // One that was kept from running showed nothing yet.
        let is_busy = answer.status.as_u16() == 503;
        Ok((!is_busy && !is_put_aside(&answer)).then_some(answer))
    })
    .await?;
    if !answer.status.is_success() || matches!(case.asked, Asked::Load | Asked::Validate) {
        return said(&answer);
    }
    let task: TaskView = answer.ok()?;
    if case.expected == Expected::Differs {
        return found_out(client, &task, differed).await;
    }
    let run = client.task_start(task.id).await?.id;
    if case.asked == Asked::Interpret {
        client.run_finished(run).await?;
        let events = client.events(0, "kind=report.not-interpreted").await?;
        let of_run = format!("The report of run {run} ");
        let mut events = events.into_iter();
        let found = events.find(|event| event.text.contains(&of_run));
        let event = found.context("no event tells that it was not interpreted")?;
        return Ok(Said::refused(event.text));
    }
    // Not by the delivery's cause, which is another one as soon as the plug-in is put aside.
    let reason = until("the fault to be told", async || {
        let events = client.events(0, "kind=delivery.waiting").await?;
        let of_run = format!("Run {run} waits ");
        let told = |text: &str| text.starts_with(&of_run) && text.contains(NO_ANSWER);
        Ok(events.into_iter().find(|event| told(&event.text)))
    })
    .await?
    .text;
    client.run_change(run, "stop").await?;
    Ok(Said::refused(reason))
}

/// Runs a task until the server notices that its answers differ. A call is not asked again while
/// another of the same plug-in is, so that it may take more than one run.
async fn found_out(client: &Client, task: &TaskView, before: f64) -> Result<Said> {
    for _ in 0..RUNS {
        let run = client.task_start(task.id).await?.id;
        client.run_finished(run).await?;
        for _ in 0..LOOKS {
            if differed(client).await? > before {
                return Ok(Said {
                    refused: false,
                    at_gate: false,
                    text: String::new(),
                });
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    }
    bail!("{RUNS} runs, and the server did not find out")
}

/// Waits until the guest is at work, and well.
async fn well_again(client: &Client) -> Result<()> {
    until("the guest to be well again", async || {
        let answer = client.post("/tasks", &task(GUEST, "well")).await?;
        Ok(answer.status.is_success().then_some(()))
    })
    .await
}

fn is_put_aside(answer: &Answer) -> bool {
    answer.status.as_u16() == 409
        && serde_json::from_slice::<ProblemDocument>(&answer.body)
            .is_ok_and(|problem| problem.code() == "application-without-plugin")
}

/// What an answer of the server says. One that blames the server itself is no containment at all.
fn said(answer: &Answer) -> Result<Said> {
    if answer.status.is_success() {
        return Ok(Said {
            refused: false,
            at_gate: false,
            text: String::new(),
        });
    }
    let problem: ProblemDocument =
        serde_json::from_slice(&answer.body).with_context(|| answer.text())?;
    match answer.status.as_u16() {
        // 409: well, but somebody must say yes before it takes the place of another.
        409 => Ok(Said {
            refused: false,
            at_gate: false,
            text: problem.detail,
        }),
        413 | 422 | 502 => {
            let codes = problem.findings.iter().map(|finding| &*finding.code);
            let words: Vec<&str> = [&*problem.detail].into_iter().chain(codes).collect();
            Ok(Said::refused(words.join(" ")))
        }
        status => bail!("the server answered {status}: {}", problem.detail),
    }
}

impl Said {
    fn refused(text: String) -> Self {
        Self {
            refused: true,
            at_gate: false,
            text,
        }
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
            only: None,
            membership: muster_domain::scope::Membership::Fixed,
        },
        settings: Some(serde_json::json!({ "do": word })),
        time_limit: None,
        schedule: None,
        rollout: None,
        allow_plain: vec![],
    }
}
