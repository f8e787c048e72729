//! What devices' users may do with tasks, and what they asked for.

use crate::client::path;
use crate::command::Context;
use crate::failure::Failure;
use crate::output::{cell, clean};
use clap::{Args, ValueEnum};
use muster_api::group::GroupView;
use muster_api::page::Page;
use muster_api::user::{UserEditView, UserPolicyChange, UserWord};

/// What a group says.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Word {
    /// They may
    Allow,
    /// They may not
    Deny,
    /// What the group above says
    Inherit,
}

impl From<Word> for UserWord {
    fn from(word: Word) -> Self {
        match word {
            Word::Allow => Self::Allow,
            Word::Deny => Self::Deny,
            Word::Inherit => Self::Inherit,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Set {
    /// Its number or path
    group: String,
    /// Whether the users of its devices may create, change and delete local tasks; denied until a group
    /// allows it
    #[arg(long, value_name = "WORD", required_unless_present = "user_starts")]
    user_tasks: Option<Word>,
    /// Whether they may start and stop the tasks that an administrator made; denied until a group allows it
    #[arg(long, value_name = "WORD")]
    user_starts: Option<Word>,
}

impl Set {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let change = UserPolicyChange {
            tasks: self.user_tasks.map(Into::into),
            starts: self.user_starts.map(Into::into),
        };
        let place = path(&["groups", &self.group, "users"]);
        let answer = context.client.put_json(&place, &change).await?;
        if context.out.is_json() {
            return context.out.json(&answer.raw);
        }
        let group: GroupView = answer.view()?;
        context.out.text(&format!(
            "Users of devices in {} {} local tasks of their own, and {} start an administrator's.",
            group.path,
            may(group.users.may_manage, "may have"),
            may(group.users.may_start, "may"),
        ))
    }
}

fn may(allowed: bool, word: &str) -> String {
    if allowed {
        word.to_owned()
    } else {
        word.replacen("may", "may not", 1)
    }
}

pub(crate) async fn group_show(context: &Context, group: &str) -> Result<(), Failure> {
    let answer = context
        .client
        .get(&path(&["groups", group]), &vec![])
        .await?;
    if context.out.is_json() {
        return context.out.json(&answer.raw);
    }
    let group: GroupView = answer.view()?;
    let word = |said: Option<bool>, holds: bool| {
        let holds = if holds { "allowed" } else { "denied" };
        match said {
            Some(_) => holds.to_owned(),
            None => format!("{holds} (inherited)"),
        }
    };
    let users = &group.users;
    context.out.text(&format!(
        "Group        {} ({})\nDevices      {}\nUser tasks   {}\nUser starts  {}",
        group.id,
        clean(&group.path),
        group.devices,
        word(users.tasks, users.may_manage),
        word(users.starts, users.may_start),
    ))
}

/// Shows what devices' users asked for of a task.
pub(crate) async fn changes(context: &Context, place: &str) -> Result<(), Failure> {
    let answer = context.client.get(place, &vec![]).await?;
    if context.out.is_json() {
        return context.out.json(&answer.raw);
    }
    let edits: Page<UserEditView> = answer.view()?;
    let rows = edits.items.into_iter().map(|edit| {
        let word = edit.edit.get("edit").and_then(|word| word.as_str());
        let lost = edit.lost.iter().map(|lost| {
            let user = lost.user.as_ref().map(ToString::to_string);
            format!("{} (user: {})", lost.pointer, user.unwrap_or_default())
        });
        let mut why: Vec<String> = edit.reason.into_iter().chain(lost).collect();
        why.extend(edit.findings.into_iter().map(|finding| finding.text));
        vec![
            cell(context.out.clock.short(edit.made_at)),
            cell(edit.device.to_string()),
            cell(edit.user),
            cell(word.unwrap_or("?").to_owned()),
            cell(edit.state),
            cell(why.join("; ")),
        ]
    });
    context.out.table(
        &[
            "MADE",
            "DEVICE",
            "USER",
            "WHAT",
            "STATE",
            "WHY, AND WHAT IS LOST",
        ],
        rows.collect(),
        "No device's user asked for anything.",
    )
}
