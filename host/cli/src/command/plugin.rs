//! Management plug-ins: install, list, show, remove, and what they are granted. Their revisions are in
//! `revision`; what their vendors do is in `release`, and what they do before that in `author`.

#[cfg(feature = "author")]
mod author;
mod grant;
mod install;
pub(crate) mod release;
mod revision;

mod health;

pub(crate) use revision::difference;

use crate::client::path;
use crate::command::help;
use crate::command::{Context, confirm};
use crate::failure::Failure;
use crate::output::{Cell, Tint, cell, number};
use clap::Subcommand;
use muster_api::plan::RemovalView;
use muster_api::plugin::{PluginRemovedView, PluginView};
use muster_api::trust::PluginTrustView;
use muster_domain::text::counted;

#[derive(Debug, Subcommand)]
pub(crate) enum Plugin {
    /// Install plug-ins: components with what was signed of them, bundles, or references to
    /// registries
    #[command(after_help = help::INSTALL)]
    Install(install::Install),
    #[cfg(feature = "author")]
    #[command(flatten)]
    Author(author::Author),
    #[command(flatten)]
    Release(release::Release),
    #[command(flatten)]
    Revision(revision::Revision),
    /// Grant a plug-in what it asks for; it holds from its next call on
    #[command(after_help = help::GRANT)]
    Grant {
        /// The application that it speaks for
        application: String,
        /// files, clock, random, or a limit: memory (MiB), validate-time or batch-time (ms), with a
        /// number if it is not to get all that it asks for
        #[arg(required = true, value_name = "RIGHT[=NUMBER]")]
        rights: Vec<String>,
        /// Grant it to this revision, by its digest or how that begins; otherwise to the one at work
        #[arg(long, value_name = "REVISION")]
        revision: Option<String>,
    },
    /// Take back from a plug-in what it was granted; it holds from its next call on
    #[command(after_help = help::WITHDRAW)]
    Withdraw {
        /// The application that it speaks for
        application: String,
        /// files, clock, random, memory, validate-time, batch-time
        #[arg(required = true, value_name = "RIGHT")]
        rights: Vec<String>,
        /// Deny it to this revision, by its digest or how that begins; otherwise to the one at work,
        /// and with that to all
        #[arg(long, value_name = "REVISION")]
        revision: Option<String>,
    },
    /// List the plug-ins
    #[command(after_help = help::LIST)]
    List,
    /// Show a plug-in and its task types
    #[command(after_help = help::SHOW)]
    Show {
        /// The application that it speaks for, such as net.clamav.clamav
        application: String,
    },
    /// Show how a plug-in's calls go: how many, how long, how near to its limits, what failed
    #[command(after_help = help::HEALTH)]
    Health {
        /// The application that it speaks for
        application: String,
    },
    /// Remove a plug-in; its application's tasks stay, and cannot be started without one
    #[command(after_help = help::REMOVE)]
    Remove {
        /// The application that it speaks for
        application: String,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
}

impl Plugin {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Install(install) => install.run(context).await,
            #[cfg(feature = "author")]
            Self::Author(author) => author.run(&context.out).await,
            Self::Release(release) => release.run(&context.out).await,
            Self::Revision(revision) => revision.run(context).await,
            Self::Grant {
                application,
                rights,
                revision,
            } => grant::grant(context, application, revision, rights).await,
            Self::Withdraw {
                application,
                rights,
                revision,
            } => grant::withdraw(context, application, revision, rights).await,
            Self::List => list(context).await,
            Self::Show { application } => show(context, &application).await,
            Self::Health { application } => health::run(context, &application).await,
            Self::Remove { application, yes } => remove(context, &application, yes).await,
        }
    }
}

async fn list(context: &Context) -> Result<(), Failure> {
    let answer = context.client.list("/plugins", &vec![], None).await?;
    if context.out.is_json() {
        return context.out.json(&answer.raw);
    }
    let plugins: Vec<PluginView> = answer.view()?;
    let rows = plugins.into_iter().map(|plugin| {
        let state = state(&plugin);
        vec![
            cell(plugin.application.clone()),
            cell(plugin.name.clone()),
            cell(plugin.version.clone()),
            state,
            signed_by(plugin.trust.as_ref()),
            number(plugin.task_types.len() as u64),
            cell(context.out.clock.short(plugin.installed_at)),
        ]
    });
    let header = [
        "APPLICATION",
        "NAME",
        "VERSION",
        "STATE",
        "SIGNED BY",
        "TASK TYPES",
        "INSTALLED",
    ];
    context.out.table(
        &header,
        rows.collect(),
        "No plug-in is installed; `muster plugin install FILE` installs one.",
    )
}

fn state(plugin: &PluginView) -> Cell {
    let tint = match plugin.state.as_str() {
        "active" => Tint::Good,
        "failed" | "quarantined" => Tint::Bad,
        _ => Tint::Faint,
    };
    let (also, tint) = match (plugin.safe_mode, plugin.compiling) {
        (true, _) => (", not loaded (safe mode)", Tint::Bad),
        (false, true) => (", compiling", tint),
        (false, false) if plugin.code.as_deref() == Some("revoked") => (", revoked", tint),
        (false, false) => ("", tint),
    };
    cell(format!("{}{also}", plugin.state)).tint(tint)
}

/// Who signed it; nobody is marked.
fn signed_by(trust: Option<&PluginTrustView>) -> Cell {
    match trust {
        Some(trust) if !trust.signers.is_empty() => cell(trust.signers.join(", ")),
        Some(trust) if trust.ground == "pinned" => cell("nobody; pinned").tint(Tint::Attention),
        _ => cell("NOBODY").tint(Tint::Bad),
    }
}

async fn show(context: &Context, application: &str) -> Result<(), Failure> {
    let answer = context
        .client
        .get(&path(&["plugins", application]), &vec![])
        .await?;
    if context.out.is_json() {
        return context.out.json(&answer.raw);
    }
    let plugin: PluginView = answer.view()?;
    let mut fields = vec![
        ("application", cell(plugin.application.clone())),
        ("name", cell(plugin.name.clone())),
        ("vendor", cell(plugin.vendor.clone())),
        ("version", cell(plugin.version.clone())),
        ("manages", cell(plugin.manages.clone())),
        ("state", state(&plugin)),
        ("signed by", signed_by(plugin.trust.as_ref())),
    ];
    fields.extend(
        plugin
            .reason
            .clone()
            .map(|reason| ("reason", cell(reason).tint(Tint::Bad))),
    );
    fields.extend([
        ("digest", cell(plugin.digest.clone())),
        ("size", cell(format!("{} KiB", plugin.size.div_ceil(1024)))),
        (
            "installed",
            cell(context.out.clock.long(plugin.installed_at)),
        ),
        ("by", cell(plugin.installed_by.clone())),
    ]);
    context.out.fields(fields)?;
    if plugin.state != "removed" {
        grant::show(context, application).await?;
    }
    context.out.text("")?;
    super::task::types::table(context, &plugin)
}

async fn remove(context: &Context, application: &str, yes: bool) -> Result<(), Failure> {
    if !yes {
        let at = path(&["plugins", application, "removal"]);
        let preview: RemovalView = context.client.get(&at, &vec![]).await?.view()?;
        confirm(
            yes,
            &format!(
                "Remove the plug-in for {application}? Without it {} on {} can be read and not started. \
                 Under way: {}; what devices have of them ends, the rest waits.",
                counted(preview.tasks, "task"),
                counted(preview.devices, "device"),
                counted(preview.runs, "run")
            ),
        )?;
    }
    let answer = context
        .client
        .delete(&path(&["plugins", application]))
        .await?;
    if context.out.is_json() {
        return context.out.json(&answer.raw);
    }
    let removed: PluginRemovedView = answer.view()?;
    context.out.text(&format!(
        "Removed the plug-in for {}; what stays and cannot be started without it: {}.",
        removed.application,
        counted(removed.tasks, "task")
    ))
}
