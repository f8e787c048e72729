//! Objects as files: plans shown, agreed to and carried out, for imports and for `muster apply`.

pub(crate) mod apply;
mod files;

use crate::command::plugin::difference;
use crate::command::{Context, confirm};
use crate::failure::{Failure, finding_line};
use crate::output::{Tint, clean};
use clap::Args;
pub(crate) use files::{mapping, of_file};
use muster_api::objects::{ObjectPlanView, ObjectsPlanView};
use muster_domain::text::counted;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

/// What becomes of a plan.
#[derive(Debug, Args)]
#[expect(
    clippy::struct_field_names,
    reason = "the option is `--plan`, as everywhere"
)]
pub(crate) struct Plan {
    /// Show what it would do, and do nothing
    #[arg(long, conflicts_with_all = ["yes", "accept"])]
    pub(crate) plan: bool,
    /// Do not ask
    #[arg(long, short)]
    pub(crate) yes: bool,
    /// Do what the plan of this id says, as it was shown; refused if that is another one by now
    #[arg(long, value_name = "PLAN")]
    pub(crate) accept: Option<String>,
    /// Why, in one line; it is kept with the revisions
    #[arg(long, value_name = "TEXT")]
    pub(crate) comment: Option<String>,
}

/// What is asked for: a path, and a body without its plan.
pub(crate) struct Asked<'a> {
    pub(crate) path: &'a str,
    pub(crate) body: Map<String, Value>,
    /// Parts of the body that go as they were read.
    pub(crate) raw: Vec<(&'a str, Box<RawValue>)>,
    /// What the question is about: `Import these tasks`.
    pub(crate) question: &'a str,
}

impl Plan {
    /// Plans it, shows the plan, and carries it out where that is wanted.
    pub(crate) async fn carry_out(
        self,
        context: &Context,
        asked: &Asked<'_>,
    ) -> Result<Outcome, Failure> {
        if let Some(id) = &self.accept {
            let done = self.send(context, asked, Some(id)).await?;
            tell_done(context, &done)?;
            return Ok(Outcome::Done);
        }
        let (raw, plan) = self.send(context, asked, None).await?;
        let json = context.out.is_json();
        if !json {
            show(context, &plan)?;
        } else if self.plan || !plan.possible || plan.changes == 0 {
            context.out.json(&raw)?;
        }
        if !plan.possible {
            let why = "it cannot be done as it stands; nothing was done".to_owned();
            return Err(Failure::Refused(why));
        }
        if self.plan || plan.changes == 0 {
            return Ok(if plan.changes == 0 {
                Outcome::Nothing
            } else {
                Outcome::Planned
            });
        }
        confirm(self.yes, asked.question)?;
        let done = self.send(context, asked, Some(&plan.id)).await?;
        tell_done(context, &done)?;
        Ok(Outcome::Done)
    }

    async fn send(
        &self,
        context: &Context,
        asked: &Asked<'_>,
        plan: Option<&str>,
    ) -> Result<(Value, ObjectsPlanView), Failure> {
        let mut body = asked.body.clone();
        if let Some(plan) = plan {
            body.insert("plan".into(), json!(plan));
        }
        // Put together as text: what the server is to judge must come as it was written.
        let mut text = String::from("{");
        for (name, value) in &asked.raw {
            text.push_str(&json!(name).to_string());
            text.push(':');
            text.push_str(value.get());
            text.push(',');
        }
        for (name, value) in &body {
            text.push_str(&json!(name).to_string());
            text.push(':');
            text.push_str(&value.to_string());
            text.push(',');
        }
        let text = format!("{}}}", text.trim_end_matches(','));
        let query: Vec<_> = self
            .comment
            .iter()
            .map(|why| ("comment", why.clone()))
            .collect();
        let answer = context
            .client
            .post_bytes(asked.path, &query, "application/json", text.into_bytes())
            .await?;
        let view = answer.view()?;
        Ok((answer.raw, view))
    }
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was done.
    Done,
    /// It was only planned, and would change something.
    Planned,
    /// There was nothing to do.
    Nothing,
}

fn tell_done(context: &Context, (raw, plan): &(Value, ObjectsPlanView)) -> Result<(), Failure> {
    if context.out.is_json() {
        return context.out.json(raw);
    }
    let count = |action: &str| {
        plan.items
            .iter()
            .filter(|item| item.action == action)
            .count()
    };
    let told = [
        ("create", "created"),
        ("change", "changed"),
        ("remove", "removed"),
        ("skip", "skipped"),
    ];
    let told: Vec<String> = told
        .into_iter()
        .filter(|(action, _)| count(action) > 0)
        .map(|(action, word)| format!("{} {word}", count(action)))
        .collect();
    context.out.text(&format!("Done: {}.", told.join(", ")))
}

/// Shows a plan.
fn show(context: &Context, plan: &ObjectsPlanView) -> Result<(), Failure> {
    for plugin in &plan.plugins {
        let of_file = plugin.version.as_deref().unwrap_or("an unnamed version");
        let text = match (plugin.stand.as_str(), &plugin.here) {
            ("same" | "unnamed", _) => continue,
            (_, None) => format!("{} has no plug-in here.", plugin.application),
            (stand, Some(here)) => format!(
                "{}: written for version {of_file} of its plug-in, and {here} is at work here ({stand}).",
                plugin.application
            ),
        };
        context
            .out
            .whole(&context.out.tinted(&clean(&text), Tint::Attention))?;
    }
    let (told, quiet): (Vec<_>, Vec<_>) = plan
        .items
        .iter()
        .partition(|item| !matches!(item.action.as_str(), "unchanged" | "foreign"));
    for item in &told {
        one(context, item)?;
    }
    let quietly = |action: &str| quiet.iter().filter(|item| item.action == action).count() as u64;
    if quietly("unchanged") > 0 {
        let text = format!(
            "{} as wanted already.",
            counted(quietly("unchanged"), "object")
        );
        context.out.text(&text)?;
    }
    if quietly("foreign") > 0 {
        let text = format!(
            "{} only here, which these files did not make; `--output json` names each.",
            counted(quietly("foreign"), "object")
        );
        context.out.text(&text)?;
    }
    let end = match (plan.possible, plan.changes) {
        (false, _) => "It cannot be done as it stands.".to_owned(),
        (true, 0) => "Nothing to do.".to_owned(),
        (true, changes) => format!("{}. Plan {}", counted(changes, "change"), plan.id),
    };
    context.out.text(&end)
}

fn one(context: &Context, item: &ObjectPlanView) -> Result<(), Failure> {
    let tint = match item.action.as_str() {
        "create" => Tint::Good,
        "remove" | "refused" => Tint::Bad,
        "change" | "extra" => Tint::Attention,
        _ => Tint::Faint,
    };
    let number = item.id.map(|id| format!(" ({id})")).unwrap_or_default();
    let file = item
        .file
        .as_ref()
        .map(|file| format!("  {file}"))
        .unwrap_or_default();
    let action = context
        .out
        .tinted(&format!("{:<9}", clean(&item.action)), tint);
    let rest = clean(&format!("{} {}{number}{file}", item.kind, item.name));
    context.out.whole(&format!("{action} {rest}"))?;
    for change in &item.changes {
        context
            .out
            .text(&format!("            {}", difference(change)))?;
    }
    for finding in &item.findings {
        let line = format!("            {}", finding_line(finding));
        context
            .out
            .whole(&context.out.tinted(&line, Tint::Attention))?;
    }
    if item.action == "extra" {
        context
            .out
            .text("            these files made it and say it no longer; --prune removes it")?;
    }
    Ok(())
}
