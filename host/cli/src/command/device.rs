//! Devices: list, show, rename, move, remove, and tokens to enroll new ones.

use crate::client::{Query, path};
use crate::command::{Context, confirm};
use crate::failure::Failure;
use crate::output::{Cell, Tint, cell, number, word};
use crate::time::parse_seconds;
use clap::Subcommand;
use muster_api::device::{
    DeviceApplicationView, DeviceChange, DeviceView, EnrollmentTokenCreate, EnrollmentTokenView,
    WakeView,
};
use muster_api::tag::{TagChange, TagView};
use muster_domain::device::ApplicationState;

#[derive(Debug, Subcommand)]
pub(crate) enum Device {
    /// List devices
    List {
        /// Only those in this group, by number or path; without those in groups below
        #[arg(long)]
        group: Option<String>,
        /// Only those with this name
        #[arg(long)]
        name: Option<String>,
        /// At most so many
        #[arg(long, short = 'n', value_name = "N")]
        limit: Option<usize>,
    },
    /// Show a device
    Show {
        /// Its number or name
        device: String,
    },
    /// Give a device another name
    Rename {
        /// Its number or name
        device: String,
        /// The new name
        name: String,
    },
    /// Move a device to another group
    Move {
        /// Its number or name
        device: String,
        /// The group, by number or path
        group: String,
    },
    /// Show the tags of a device; give it some, and take others from it
    Tag {
        /// Its number or name
        device: String,
        /// Tags to give
        #[arg(long, value_name = "TAG")]
        add: Vec<String>,
        /// Tags to take
        #[arg(long, value_name = "TAG")]
        remove: Vec<String>,
    },
    /// Wake a device over the network
    Wake {
        /// Its number or name
        device: String,
    },
    /// Remove a device; its agent is let in no more
    Remove {
        /// Its number or name
        device: String,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
    /// Make a token that enrolls one device
    EnrollToken {
        /// The group that the device comes into, by number or path; the root if left out
        #[arg(long)]
        group: Option<String>,
        /// A device that is there, by number or name: it is enrolled again, and keeps its number; what had
        /// its identity before is let in no more
        #[arg(long, conflicts_with = "group")]
        device: Option<String>,
        /// How long the token is good, such as 1h; a day if left out, 30 days at most
        #[arg(long, value_name = "TIME", value_parser = parse_seconds)]
        valid_for: Option<u32>,
    },
}

impl Device {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::List { group, name, limit } => list(context, group, name, limit).await,
            Self::Show { device } => show(context, &device).await,
            Self::Rename { device, name } => {
                change(
                    context,
                    &device,
                    DeviceChange {
                        name: Some(name),
                        group: None,
                    },
                )
                .await
            }
            Self::Move { device, group } => {
                change(
                    context,
                    &device,
                    DeviceChange {
                        name: None,
                        group: Some(group),
                    },
                )
                .await
            }
            Self::Tag {
                device,
                add,
                remove,
            } => tag(context, &device, TagChange { add, remove }).await,
            Self::Wake { device } => wake(context, &device).await,
            Self::Remove { device, yes } => remove(context, &device, yes).await,
            Self::EnrollToken {
                group,
                device,
                valid_for,
            } => {
                let wanted = EnrollmentTokenCreate {
                    group,
                    device,
                    valid_for,
                };
                enroll_token(context, &wanted).await
            }
        }
    }
}

async fn tag(context: &Context, device: &str, change: TagChange) -> Result<(), Failure> {
    let at = path(&["devices", device, "tags"]);
    let answer = if change.add.is_empty() && change.remove.is_empty() {
        context.client.get(&at, &vec![]).await?
    } else {
        context.client.patch(&at, &change).await?
    };
    if context.out.is_json() {
        return context.out.json(&answer.raw);
    }
    let tags: Vec<String> = answer.view::<TagView>()?.tags.into_iter().collect();
    context.out.text(&if tags.is_empty() {
        "No tags.".to_owned()
    } else {
        tags.join(", ")
    })
}

async fn wake(context: &Context, device: &str) -> Result<(), Failure> {
    let at = path(&["devices", device, "wake"]);
    let answer = context.client.post(&at, &serde_json::json!({})).await?;
    if context.out.is_json() {
        return context.out.json(&answer.raw);
    }
    let woken: WakeView = answer.view()?;
    let there = if woken.online {
        " It was online all the same."
    } else {
        ""
    };
    let addresses = woken.addresses.join(", ");
    context
        .out
        .text(&format!("Sent what wakes {device}: {addresses}.{there}"))
}

async fn list(
    context: &Context,
    group: Option<String>,
    name: Option<String>,
    limit: Option<usize>,
) -> Result<(), Failure> {
    let nothing = if group.is_none() && name.is_none() {
        "No devices; `muster device enroll-token` makes a token to enroll one."
    } else {
        "No such devices."
    };
    let mut query: Query<'_> = Vec::new();
    query.extend(group.map(|group| ("group", group)));
    query.extend(name.map(|name| ("name", name)));
    let answer = context.client.list("/devices", &query, limit).await?;
    if context.out.is_json() {
        return context.out.json(&answer.raw);
    }
    let devices: Vec<DeviceView> = answer.view()?;
    let rows = devices.into_iter().map(|device| {
        let applications: Vec<String> = device.applications.iter().map(application).collect();
        vec![
            number(device.id),
            link(context, &device),
            cell(device.name),
            cell(device.group),
            cell(format!("{} {}", device.platform, device.architecture)),
            cell(applications.join(", ")),
        ]
    });
    let header = ["ID", "LINK", "NAME", "GROUP", "PLATFORM", "APPLICATIONS"];
    context.out.table(&header, rows.collect(), nothing)
}

fn link(context: &Context, device: &DeviceView) -> Cell {
    match device.last_seen {
        _ if device.online => cell("online").tint(Tint::Good),
        Some(at) => {
            cell(format!("offline since {}", context.out.clock.short(at))).tint(Tint::Attention)
        }
        None => cell("never online").tint(Tint::Faint),
    }
}

fn application(of: &DeviceApplicationView) -> String {
    match &of.version {
        Some(version) => format!("{} {version} {}", of.application, word(&of.state)),
        None => format!("{} {}", of.application, word(&of.state)),
    }
}

async fn show(context: &Context, device: &str) -> Result<(), Failure> {
    let answer = context
        .client
        .get(&path(&["devices", device]), &vec![])
        .await?;
    if context.out.is_json() {
        return context.out.json(&answer.raw);
    }
    let device: DeviceView = answer.view()?;
    context.out.fields(vec![
        ("id", cell(device.id.to_string())),
        ("name", cell(device.name.clone())),
        (
            "group",
            cell(format!("{} ({})", device.group, device.group_id)),
        ),
        ("link", link(context, &device)),
        ("enrolled", cell(context.out.clock.long(device.enrolled_at))),
        (
            "platform",
            cell(format!("{} {}", device.platform, device.architecture)),
        ),
        ("agent", cell(device.agent_version.clone())),
    ])?;
    if !device.facts.is_empty() {
        context.out.whole("\nfacts")?;
        let row = |(name, value): (&String, &String)| vec![cell(format!("  {name}")), cell(value)];
        context
            .out
            .table(&[], device.facts.iter().map(row).collect(), "")?;
    }
    context.out.text("")?;
    let rows = device.applications.into_iter().map(|of| {
        let tint = match of.state {
            ApplicationState::Running => Tint::Good,
            ApplicationState::Stopped => Tint::Attention,
            ApplicationState::Absent => Tint::Faint,
        };
        vec![
            cell(of.application),
            cell(word(&of.state)).tint(tint),
            cell(of.version.unwrap_or_default()),
        ]
    });
    let header = ["APPLICATION", "STATE", "VERSION"];
    context.out.table(
        &header,
        rows.collect(),
        "No connector on this device knows an application.",
    )
}

/// The device of a number or a name.
pub(crate) async fn find(context: &Context, device: &str) -> Result<DeviceView, Failure> {
    Ok(context
        .client
        .get(&path(&["devices", device]), &vec![])
        .await?
        .view()?)
}

async fn change(context: &Context, device: &str, change: DeviceChange) -> Result<(), Failure> {
    let found = find(context, device).await?;
    let answer = context
        .client
        .patch(&path(&["devices", &found.id.to_string()]), &change)
        .await?;
    if context.out.is_json() {
        return context.out.json(&answer.raw);
    }
    let now: DeviceView = answer.view()?;
    context.out.text(&format!(
        "Device {} is {}, in {}.",
        now.id, now.name, now.group
    ))
}

async fn remove(context: &Context, device: &str, yes: bool) -> Result<(), Failure> {
    let found = find(context, device).await?;
    confirm(
        yes,
        &format!(
            "Remove device {} ({})? Its agent is let in no more.",
            found.id, found.name
        ),
    )?;
    let answer = context
        .client
        .delete(&path(&["devices", &found.id.to_string()]))
        .await?;
    if context.out.is_json() {
        return context.out.json(&answer.raw);
    }
    context
        .out
        .text(&format!("Removed device {} ({}).", found.id, found.name))
}

async fn enroll_token(context: &Context, wish: &EnrollmentTokenCreate) -> Result<(), Failure> {
    let answer = context.client.post("/enrollment-tokens", wish).await?;
    if context.out.is_json() {
        return context.out.json(&answer.raw);
    }
    let token: EnrollmentTokenView = answer.view()?;
    context.out.text(&token.token)?;
    context.out.note(&format!(
        "It enrolls one device, until {}, and is not shown again.",
        context.out.clock.long(token.valid_until)
    ));
    Ok(())
}
