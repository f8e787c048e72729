//! What a task will do, as text.

use super::task_path;
use crate::client::Answer;
use crate::command::Context;
use crate::failure::Failure;
use crate::output::{Tint, cell, number};
use crate::time::seconds;
use muster_api::forecast::{ForecastView, StartView, ZoneStartsView};
use muster_domain::text::counted;

/// Shows what a task will do.
pub(super) async fn of_task(context: &Context, task: &str) -> Result<(), Failure> {
    let path = task_path(context, task, &["plan"]).await?;
    show(context, &context.client.get(&path, &vec![]).await?)
}

/// Shows a plan that the server made.
pub(super) fn show(context: &Context, answer: &Answer) -> Result<(), Failure> {
    if context.out.is_json() {
        return context.out.json(&answer.raw);
    }
    let plan: ForecastView = answer.view()?;
    context.out.text(&format!(
        "{} in scope now, {} online; {} can do it as they are.",
        counted(plan.devices, "device"),
        plan.online,
        plan.able
    ))?;
    let rows = plan.hindered.iter().map(|hindered| {
        let (what, tint) = if hindered.for_good {
            ("cannot", Tint::Attention)
        } else {
            ("waits", Tint::None)
        };
        let more = hindered.devices.saturating_sub(hindered.named.len() as u64);
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        vec![
            number(hindered.devices),
            cell(what).tint(tint),
            cell(hindered.cause_text.clone()),
            cell(format!("{}{more}", hindered.named.join(", "))),
        ]
    });
    let rows: Vec<_> = rows.collect();
    if !rows.is_empty() {
        context.out.text("")?;
        context
            .out
            .table(&["DEVICES", "", "WHY", "WHICH"], rows, "")?;
    }
    for zone in &plan.starts {
        starts(context, zone)?;
    }
    if plan.starts.is_empty() {
        context.out.text("Nothing starts it at a time.")?;
    }
    cost(context, &plan)?;
    super::findings(context, &plan.findings)
}

/// How long it will take, and what it meets.
fn cost(context: &Context, plan: &ForecastView) -> Result<(), Failure> {
    if let Some(load) = &plan.load {
        context.out.text(&format!(
            "\nOn a device about {}, at most {} in 95 of 100 cases; {} of work in all (by {}).",
            seconds(load.median),
            seconds(load.most),
            seconds(load.all),
            counted(load.results, "result")
        ))?;
    }
    let rows: Vec<_> = plan
        .clashes
        .iter()
        .map(|clash| {
            let what = if clash.waits {
                "one waits for the other"
            } else {
                "both run"
            };
            vec![
                cell(format!("{} ({})", clash.name, clash.task)),
                number(clash.devices),
                cell(context.out.clock.short(clash.first)),
                number(clash.starts),
                cell(what),
            ]
        })
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    context.out.text("\nIt meets other tasks:")?;
    let header = ["TASK", "DEVICES", "FIRST", "TIMES", ""];
    context.out.table(&header, rows, "")
}

fn starts(context: &Context, zone: &ZoneStartsView) -> Result<(), Failure> {
    let devices = counted(zone.devices, "device");
    context
        .out
        .text(&format!("\nNext starts in {} ({devices}):", zone.zone))?;
    let rows = zone.starts.iter().map(|start| {
        vec![
            cell(start.occurrence.replace('T', " ")),
            cell(context.out.clock.short(start.at)),
            cell(note(context, start)).tint(Tint::Attention),
        ]
    });
    context
        .out
        .table(&["BY ITS CLOCK", "HERE", ""], rows.collect(), "None.")
}

fn note(context: &Context, start: &StartView) -> String {
    let mut notes = Vec::new();
    if let Some(minutes) = start.clocks_change {
        let way = if minutes > 0 { "forward" } else { "back" };
        notes.push(format!("clocks are set {way} {} min", minutes.abs()));
    }
    if let Some(held) = &start.held {
        let then = match start.starts_at {
            Some(at) => format!("starts {}", context.out.clock.short(at)),
            None => "does not start".to_owned(),
        };
        notes.push(format!("{held}; {then}"));
    }
    notes.join("; ")
}
