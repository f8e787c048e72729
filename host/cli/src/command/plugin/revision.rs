//! `muster plugin revisions`, `plan`, `activate`, `rollback`, `shadow`: a plug-in's revisions.

use super::signed_by;
use crate::client::path;
use crate::command::Context;
use crate::command::help;
use crate::failure::Failure;
use crate::output::{Cell, Tint, cell, clean, number};
use clap::{Args, Subcommand};
use muster_api::plan::{
    ActivatedView, ChangeView, PlanView, PluginRollback, ProfilePlanView, RevisionActivate,
    RevisionView, TaskPlanView, UploadView,
};
use muster_api::trust::PluginTrustView;
use muster_domain::text::counted;
use serde_json::Value;

/// A revision of a plug-in.
#[derive(Debug, Args)]
pub(crate) struct Named {
    /// The application that the plug-in speaks for
    application: String,
    /// The revision's digest, or how it begins; the newest ready one if none is given
    #[arg(value_name = "REVISION")]
    digest: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Revision {
    /// List the revisions that an application has or had; without one, what the gate refused
    #[command(after_help = help::REVISIONS)]
    Revisions {
        /// The application that the plug-in speaks for
        application: Option<String>,
    },
    /// Show what putting a revision to work would mean for each task and its devices
    #[command(after_help = help::PLAN)]
    Plan(Named),
    /// Put a revision to work that is ready
    #[command(after_help = help::ACTIVATE)]
    Activate {
        #[command(flatten)]
        named: Named,
        /// The id of the plan that was looked at and is meant, or how it begins. Without it the
        /// revision is put to work only if that changes nothing on devices
        #[arg(long, value_name = "PLAN")]
        accept: Option<String>,
        /// Also if its version is lower than that at work
        #[arg(long)]
        allow_downgrade: bool,
    },
    /// Put the revision to work again that was at work before; settings that were migrated come back
    #[command(after_help = help::ROLLBACK)]
    Rollback {
        /// The application that the plug-in speaks for
        application: String,
        /// The revision's digest, or how it begins; the one that was at work last if none is given
        #[arg(long, value_name = "REVISION")]
        to: Option<String>,
    },
    /// Have a ready revision answer beside the one at work, without effect, and count differences
    #[command(after_help = help::SHADOW)]
    Shadow {
        #[command(flatten)]
        named: Named,
        /// End that
        #[arg(long)]
        end: bool,
    },
}

impl Revision {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Revisions { application: None } => uploads(context).await,
            Self::Revisions {
                application: Some(application),
            } => list(context, &application).await,
            Self::Plan(named) => {
                let digest = named.find(context, &["ready", "shadow"]).await?;
                let at = path(&["plugins", &named.application, "revisions", &digest, "plan"]);
                let answer = context.client.get(&at, &vec![]).await?;
                if context.out.is_json() {
                    return context.out.json(&answer.raw);
                }
                plan(context, &answer.view()?)
            }
            Self::Activate {
                named,
                accept,
                allow_downgrade,
            } => activate(context, &named, accept, allow_downgrade).await,
            Self::Rollback { application, to } => rollback(context, application, to).await,
            Self::Shadow { named, end } => shadow(context, &named, end).await,
        }
    }
}

impl Named {
    pub(super) fn new(application: String, digest: Option<String>) -> Self {
        Self {
            application,
            digest,
        }
    }

    pub(super) fn application(&self) -> &str {
        &self.application
    }

    /// The whole digest of the revision that is meant.
    pub(super) async fn find(&self, context: &Context, states: &[&str]) -> Result<String, Failure> {
        let at = path(&["plugins", &self.application, "revisions"]);
        let answer = context.client.list(&at, &vec![], None).await?;
        let revisions: Vec<RevisionView> = answer.view()?;
        if let Some(begins) = &self.digest {
            let begins = begins.trim_start_matches("sha256:");
            let mut found = revisions.iter().filter(|revision| {
                let digest = revision.digest.trim_start_matches("sha256:");
                digest.starts_with(begins)
            });
            return match (found.next(), found.next()) {
                (Some(one), None) => Ok(one.digest.clone()),
                (Some(_), Some(_)) => Err(Failure::Usage(format!(
                    "several revisions begin with {begins}; give more of the digest"
                ))),
                (None, _) => Err(Failure::NotFound(format!(
                    "{} has no revision {begins}; `muster plugin revisions {0}` lists them",
                    self.application
                ))),
            };
        }
        let ready = |revision: &&RevisionView| states.contains(&revision.state.as_str());
        let newest = revisions
            .iter()
            .filter(ready)
            .max_by_key(|one| one.installed_at);
        newest.map(|one| one.digest.clone()).ok_or_else(|| {
            Failure::NotFound(format!(
                "{} has no revision that waits; `muster plugin revisions {0}` lists them",
                self.application
            ))
        })
    }
}

async fn list(context: &Context, application: &str) -> Result<(), Failure> {
    let at = path(&["plugins", application, "revisions"]);
    let answer = context.client.list(&at, &vec![], None).await?;
    if context.out.is_json() {
        return context.out.json(&answer.raw);
    }
    let revisions: Vec<RevisionView> = answer.view()?;
    let rows = revisions.into_iter().map(|revision| {
        let compared = revision.shadow.as_ref().map_or_else(String::new, |shadow| {
            let of = |what, counts: &muster_api::plan::ComparisonView| {
                format!(
                    "{what}: {} same, {} different, {} failed, {} dropped",
                    counts.same, counts.different, counts.failed, counts.dropped
                )
            };
            let validate = of("validate", &shadow.validate);
            format!("{validate}; {}", of("translate", &shadow.translate))
        });
        let remark = match revision.revoked {
            Some(why) => cell(format!("not trusted: {why}")).tint(Tint::Bad),
            None => cell(revision.reason.unwrap_or(compared)),
        };
        vec![
            cell(short(&revision.digest)),
            cell(revision.version),
            state(&revision.state),
            cell(context.out.clock.short(revision.changed_at)),
            cell(context.out.clock.short(revision.installed_at)),
            cell(revision.installed_by),
            signed_by(revision.trust.as_ref()),
            remark,
        ]
    });
    let header = [
        "REVISION",
        "VERSION",
        "STATE",
        "SINCE",
        "INSTALLED",
        "BY",
        "SIGNED BY",
        "REMARK",
    ];
    context
        .out
        .table(&header, rows.collect(), "There is no revision.")
}

async fn uploads(context: &Context) -> Result<(), Failure> {
    let answer = context
        .client
        .list("/plugin-uploads", &vec![], None)
        .await?;
    if context.out.is_json() {
        return context.out.json(&answer.raw);
    }
    let uploads: Vec<UploadView> = answer.view()?;
    let rows = uploads.into_iter().map(|upload| {
        vec![
            cell(short(&upload.digest)),
            cell(upload.application.unwrap_or_default()),
            state(&upload.state),
            cell(context.out.clock.short(upload.uploaded_at)),
            cell(upload.uploaded_by),
            cell(upload.reason.unwrap_or_default()),
        ]
    });
    let header = ["COMPONENT", "APPLICATION", "STATE", "CAME", "BY", "REASON"];
    let none = "Nothing is in the gate, and it refused nothing. `muster plugin revisions \
                APPLICATION` lists what passed it.";
    context.out.table(&header, rows.collect(), none)
}

fn state(state: &str) -> Cell {
    let tint = match state {
        "active" => Tint::Good,
        "ready" | "shadow" => Tint::Attention,
        "failed" | "quarantined" | "refused" => Tint::Bad,
        _ => Tint::Faint,
    };
    cell(state).tint(tint)
}

async fn activate(
    context: &Context,
    named: &Named,
    accept: Option<String>,
    allow_downgrade: bool,
) -> Result<(), Failure> {
    let digest = named.find(context, &["ready", "shadow"]).await?;
    let revision = ["plugins", &named.application, "revisions", &digest];
    let plan = match accept {
        Some(begins) => Some(whole_id(context, &revision, &begins).await?),
        None => None,
    };
    let body = RevisionActivate {
        plan,
        allow_downgrade,
    };
    let at = format!("{}/activate", path(&revision));
    let answer = context.client.post(&at, &body).await?;
    activated(context, &answer.raw, &answer.view()?)
}

/// The id of the plan as it stands, if what was given is how it begins; else what was given, which
/// the server will not find good.
async fn whole_id(context: &Context, revision: &[&str], begins: &str) -> Result<String, Failure> {
    let at = format!("{}/plan", path(revision));
    let plan: PlanView = context.client.get(&at, &vec![]).await?.view()?;
    let hex = begins.trim_start_matches("sha256:");
    if hex.len() >= 8 && plan.id.trim_start_matches("sha256:").starts_with(hex) {
        return Ok(plan.id);
    }
    Err(Failure::Refused(format!(
        "plan {begins} is not the plan as it stands, which is {}: look at it with `muster plugin \
         plan`, and accept that one if it is meant",
        short(&plan.id)
    )))
}

async fn rollback(
    context: &Context,
    application: String,
    to: Option<String>,
) -> Result<(), Failure> {
    let named = Named::new(application, to);
    let digest = match &named.digest {
        Some(_) => Some(named.find(context, &[]).await?),
        None => None,
    };
    let at = path(&["plugins", &named.application, "rollback"]);
    let answer = context.client.post(&at, &PluginRollback { digest }).await?;
    activated(context, &answer.raw, &answer.view()?)
}

fn activated(context: &Context, raw: &Value, done: &ActivatedView) -> Result<(), Failure> {
    if context.out.is_json() {
        return context.out.json(raw);
    }
    context.out.text(&format!(
        "{} {} for {} is at work.",
        done.plugin.name, done.plugin.version, done.plugin.application
    ))?;
    table(context, &done.plan)
}

async fn shadow(context: &Context, named: &Named, end: bool) -> Result<(), Failure> {
    let states: &[&str] = if end { &["shadow"] } else { &["ready"] };
    let digest = named.find(context, states).await?;
    let at = path(&[
        "plugins",
        &named.application,
        "revisions",
        &digest,
        "shadow",
    ]);
    let answer = if end {
        context.client.delete(&at).await?
    } else {
        context.client.put(&at).await?
    };
    if context.out.is_json() {
        return context.out.json(&answer.raw);
    }
    let view: RevisionView = answer.view()?;
    context.out.text(&format!(
        "Revision {} ({}) is {}; `muster plugin revisions {}` shows how a shadow's answers compare.",
        short(&view.digest),
        view.version,
        view.state,
        view.application,
    ))
}

/// Prints a plan, and how to go on.
pub(super) fn plan(context: &Context, plan: &PlanView) -> Result<(), Failure> {
    table(context, plan)?;
    let (application, to, id) = (&plan.application, short(&plan.to), short(&plan.id));
    let lower = if plan.downgrade {
        " --allow-downgrade"
    } else {
        ""
    };
    let waits = plan.asks.iter().any(|ask| ask.word == "open");
    let go_on = if waits {
        format!(
            "It waits for a word to what it asks for: muster plugin grant {application} RIGHT --revision {to}, \
             or muster plugin withdraw"
        )
    } else if plan.clean {
        format!(
            "{} Put it to work: muster plugin activate {application} {to}{lower}",
            nothing_changes(plan)
        )
    } else {
        format!(
            "Put it to work all the same: muster plugin activate {application} {to} --accept {id}{lower}"
        )
    };
    context.out.text("")?;
    context.out.text(&go_on)
}

fn table(context: &Context, plan: &PlanView) -> Result<(), Failure> {
    heading(context, plan)?;
    let mut rows = Vec::new();
    for task in &plan.tasks {
        let tint = match task.effect.as_str() {
            "invalid" => Tint::Bad,
            "changed" | "uncompared" => Tint::Attention,
            "migrated" | "no-devices" => Tint::None,
            _ => Tint::Faint,
        };
        rows.push(vec![
            number(task.task),
            cell(&task.name),
            cell(&task.task_type),
            cell(&task.effect).tint(tint),
            cell(details(task)),
        ]);
    }
    let header = ["TASK", "NAME", "TYPE", "EFFECT", "DETAILS"];
    context
        .out
        .table(&header, rows, "The application has no tasks.")?;
    match effects(plan) {
        Some(counts) => context.out.text(&counts),
        None => Ok(()),
    }
}

/// Effects in the order in which they ask for a look.
const EFFECTS: [&str; 6] = [
    "identical",
    "migrated",
    "no-devices",
    "changed",
    "uncompared",
    "invalid",
];

/// How many tasks there are of each effect, in a line.
fn effects(plan: &PlanView) -> Option<String> {
    let counts: Vec<String> = EFFECTS
        .iter()
        .filter_map(|effect| Some((effect, plan.effects.get(*effect)?)))
        .filter(|(_, count)| **count > 0)
        .map(|(effect, count)| format!("{count} {effect}"))
        .collect();
    (!counts.is_empty()).then(|| format!("Tasks: {}.", counts.join(", ")))
}

/// What a clean plan promises, and of which tasks it could not look at the commands.
fn nothing_changes(plan: &PlanView) -> String {
    let told = "Nothing changes on devices.";
    match plan.effects.get("no-devices") {
        Some(1) => format!(
            "{told} 1 task has no devices now: its settings were checked, its commands were not compared."
        ),
        Some(many) if *many > 1 => format!(
            "{told} {many} tasks have no devices now: their settings were checked, their commands were \
             not compared."
        ),
        _ => told.to_owned(),
    }
}

/// What is to be known of both revisions before the tasks: how the one in place stands, who signed
/// them, and what the other one asks for.
fn heading(context: &Context, plan: &PlanView) -> Result<(), Failure> {
    let stands = plan.from_state.as_deref().unwrap_or("active");
    if let Some(from) = plan.from.as_deref().filter(|_| stands != "active") {
        let text = format!(
            "Revision {} has the place and is {stands}: what devices got from it cannot be compared.",
            short(from)
        );
        context
            .out
            .whole(&context.out.tinted(&clean(&text), Tint::Attention))?;
    }
    let signers = |trust: &PluginTrustView| match trust.signers.as_slice() {
        [] => format!("nobody ({})", trust.ground),
        signers => signers.join(", "),
    };
    let is = signers(&plan.trust);
    match plan.from_trust.as_ref().filter(|_| plan.signer_changed) {
        Some(before) => {
            let text = format!(
                "ANOTHER SIGNER: it is signed by {is}; the one in place by {}.",
                signers(before)
            );
            context
                .out
                .whole(&context.out.tinted(&clean(&text), Tint::Bad))?;
        }
        None => context.out.text(&format!("Signed by {is}."))?,
    }
    if !plan.asks.is_empty() {
        super::grant::table(context, plan.asks.clone())?;
    }
    Ok(())
}

fn details(task: &TaskPlanView) -> String {
    let mut lines = Vec::new();
    lines.extend(
        task.restores
            .map(|revision| format!("settings of revision {revision} come back")),
    );
    lines.extend(task.note.clone());
    lines.extend(task.uncompared.clone());
    if task.effect == "no-devices" {
        lines.push("no device in its scope has the application".to_owned());
    }
    lines.extend(
        task.settings
            .iter()
            .map(|change| format!("settings {}", difference(change))),
    );
    let noted = task.note.is_some();
    let findings = task.findings.iter().filter(|_| !noted);
    lines.extend(findings.map(|finding| format!("{} {}", finding.pointer, finding.text)));
    for profile in &task.profiles {
        lines.push(of_profile(profile));
        lines.extend(
            profile
                .command
                .iter()
                .map(|change| format!("  {}", difference(change))),
        );
    }
    if task.more_profiles > 0 {
        lines.push(format!("and {} profiles more", task.more_profiles));
    }
    lines.join("; ")
}

fn of_profile(profile: &ProfilePlanView) -> String {
    let support = match profile.support.as_str() {
        "gained" => " is supported now".to_owned(),
        "lost" => {
            let reason = profile.reason.as_deref().unwrap_or_default();
            format!(" is no longer supported ({reason})")
        }
        _ => " gets another command".to_owned(),
    };
    let version = profile.application_version.as_deref().unwrap_or("none");
    format!(
        "{} {} with version {version} ({}){support}",
        profile.platform,
        profile.architecture,
        counted(profile.devices, "device")
    )
}

/// A difference in one line.
pub(crate) fn difference(change: &ChangeView) -> String {
    let text = |value: &Option<Value>| {
        let text = value
            .as_ref()
            .map_or_else(|| "nothing".to_owned(), Value::to_string);
        let cut: String = text.chars().take(60).collect();
        if cut.len() < text.len() {
            format!("{cut}…")
        } else {
            cut
        }
    };
    format!(
        "{}: {} → {}",
        change.pointer,
        text(&change.before),
        text(&change.after)
    )
}

/// The first twelve digits of a digest.
pub(super) fn short(digest: &str) -> String {
    digest
        .trim_start_matches("sha256:")
        .chars()
        .take(12)
        .collect()
}
