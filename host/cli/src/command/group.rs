//! Administration groups: the tree, and changes to it.

use crate::client::path;
use crate::command::{Context, confirm, user};
use crate::failure::Failure;
use crate::output::{cell, number};
use clap::Subcommand;
use muster_api::group::{GroupChange, GroupCreate, GroupView};
use std::collections::BTreeMap;

#[derive(Debug, Subcommand)]
pub(crate) enum Group {
    /// Show the tree of groups
    List,
    /// Show a group, and what the users of its devices may do with tasks
    Show {
        /// Its number or path
        group: String,
    },
    /// Say what the users of a group's devices may do with tasks
    ///
    /// It holds for the group and for those below it, until one of them says otherwise.
    Set(user::Set),
    /// Create a group
    Create {
        /// Its name, or its whole path, such as /Office/Berlin
        name: String,
        /// The group above, by number or path; the root if left out
        #[arg(long)]
        parent: Option<String>,
    },
    /// Give a group another name
    Rename {
        /// Its number or path
        group: String,
        /// The new name
        name: String,
    },
    /// Move a group, with all below it, under another one
    Move {
        /// Its number or path
        group: String,
        /// The group above, by number or path
        parent: String,
    },
    /// Remove a group
    Remove {
        /// Its number or path
        group: String,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
}

impl Group {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::List => list(context).await,
            Self::Show { group } => user::group_show(context, &group).await,
            Self::Set(set) => set.run(context).await,
            Self::Create { name, parent } => create(context, name, parent).await,
            Self::Rename { group, name } => {
                change(
                    context,
                    &group,
                    GroupChange {
                        name: Some(name),
                        parent: None,
                    },
                )
                .await
            }
            Self::Move { group, parent } => {
                change(
                    context,
                    &group,
                    GroupChange {
                        name: None,
                        parent: Some(parent),
                    },
                )
                .await
            }
            Self::Remove { group, yes } => remove(context, &group, yes).await,
        }
    }
}

async fn list(context: &Context) -> Result<(), Failure> {
    let answer = context.client.list("/groups", &vec![], None).await?;
    if context.out.is_json() {
        return context.out.json(&answer.raw);
    }
    let rows = tree(answer.view()?).into_iter().map(|(branch, group)| {
        let name = if group.parent.is_none() {
            "/".to_owned()
        } else {
            group.name
        };
        vec![
            number(group.id),
            cell(format!("{branch}{name}")),
            number(group.devices),
        ]
    });
    context
        .out
        .table(&["ID", "GROUP", "DEVICES"], rows.collect(), "No groups.")
}

/// The groups, each below the one above it, with the branch that leads to it. A group whose parent
/// is not among them stands at the top.
fn tree(groups: Vec<GroupView>) -> Vec<(String, GroupView)> {
    let known: Vec<i64> = groups.iter().map(|group| group.id).collect();
    let mut children: BTreeMap<Option<i64>, Vec<GroupView>> = BTreeMap::new();
    for group in groups {
        let parent = group.parent.filter(|parent| known.contains(parent));
        children.entry(parent).or_default().push(group);
    }
    // What is still to be written, the next last: own branch, branch of those below, group.
    let mut rest: Vec<(String, String, GroupView)> = Vec::new();
    let put = |rest: &mut Vec<_>, mut groups: Vec<GroupView>, stem: &str, top: bool| {
        groups.sort_by(|one, other| one.name.cmp(&other.name));
        for (place, group) in groups.into_iter().rev().enumerate() {
            let (own, below) = match (top, place) {
                (true, _) => (String::new(), String::new()),
                (false, 0) => (format!("{stem}└─ "), format!("{stem}   ")),
                (false, _) => (format!("{stem}├─ "), format!("{stem}│  ")),
            };
            rest.push((own, below, group));
        }
    };
    put(
        &mut rest,
        children.remove(&None).unwrap_or_default(),
        "",
        true,
    );
    let mut written = Vec::new();
    while let Some((own, below, group)) = rest.pop() {
        let under = children.remove(&Some(group.id)).unwrap_or_default();
        written.push((own, group));
        put(&mut rest, under, &below, false);
    }
    written
}

async fn create(context: &Context, name: String, parent: Option<String>) -> Result<(), Failure> {
    let (name, parent) = match (name.rsplit_once('/'), parent) {
        (Some(("", name)), None) => (name.to_owned(), None),
        (Some((above, name)), None) if above.starts_with('/') => {
            (name.to_owned(), Some(above.to_owned()))
        }
        (_, parent) => (name, parent),
    };
    let answer = context
        .client
        .post("/groups", &GroupCreate { name, parent })
        .await?;
    if context.out.is_json() {
        return context.out.json(&answer.raw);
    }
    let group: GroupView = answer.view()?;
    context
        .out
        .text(&format!("Created group {} ({}).", group.id, group.path))
}

async fn change(context: &Context, group: &str, change: GroupChange) -> Result<(), Failure> {
    let answer = context
        .client
        .patch(&path(&["groups", group]), &change)
        .await?;
    if context.out.is_json() {
        return context.out.json(&answer.raw);
    }
    let group: GroupView = answer.view()?;
    context
        .out
        .text(&format!("Group {} is {}.", group.id, group.path))
}

async fn remove(context: &Context, group: &str, yes: bool) -> Result<(), Failure> {
    confirm(yes, &format!("Remove group {group}?"))?;
    let answer = context.client.delete(&path(&["groups", group])).await?;
    if context.out.is_json() {
        return context.out.json(&answer.raw);
    }
    context.out.text(&format!("Removed group {group}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(id: i64, parent: Option<i64>, name: &str) -> GroupView {
        GroupView {
            id,
            parent,
            name: name.into(),
            path: String::new(),
            devices: 0,
            users: muster_api::user::UserPolicyView::default(),
        }
    }

    #[test]
    fn groups_stand_below_the_one_above_them() {
        let groups = vec![
            group(4, Some(2), "Berlin"),
            group(3, Some(1), "Servers"),
            group(1, None, ""),
            group(2, Some(1), "Office"),
            group(5, Some(2), "Aachen"),
            group(6, Some(4), "Mitte"),
            group(7, Some(99), "Lost"),
        ];
        let lines: Vec<String> = tree(groups)
            .into_iter()
            .map(|(branch, group)| format!("{branch}{}", group.name))
            .collect();
        assert_eq!(
            lines,
            [
                "",
                "├─ Office",
                "│  ├─ Aachen",
                "│  └─ Berlin",
                "│     └─ Mitte",
                "└─ Servers",
                "Lost"
            ]
        );
    }

    #[test]
    fn a_circle_ends() {
        assert!(tree(vec![group(1, Some(2), "a"), group(2, Some(1), "b")]).is_empty());
    }
}
