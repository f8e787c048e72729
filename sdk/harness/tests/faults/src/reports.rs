//! What reports mean.

use crate::exports::muster::plugin::interpret::{
    Event, Guest, Outcome, OutcomeStatus, Report, StepEnd,
};
use crate::has;
use serde_json::json;

impl Guest for crate::Guest {
    fn interpret(_: String, _: String, reports: Vec<Report>) -> Vec<Outcome> {
        let mut outcomes: Vec<Outcome> = reports.iter().map(outcome).collect();
        if has("failed-ones-first") {
            outcomes.sort_by_key(|outcome| outcome.status != OutcomeStatus::Failed);
        }
        if has("sums-over-reports") {
            let all: usize = outcomes.iter().map(|outcome| outcome.events.len()).sum();
            for outcome in &mut outcomes {
                outcome.summary = format!("{all} found.");
            }
        }
        outcomes
    }
}

fn outcome(report: &Report) -> Outcome {
    let worked = report
        .steps
        .iter()
        .all(|step| matches!(step.end, StepEnd::Exited(0 | 1)));
    let lines = report.steps.iter().flat_map(|step| &step.lines);
    let events: Vec<Event> = lines.take(1000).filter_map(|line| event(line)).collect();
    let head = report.steps.first().map(|step| step.head.as_str());
    let summary = match head {
        Some(head) if has("sentence-from-the-output") => head.to_owned(),
        _ => format!("{} found.", events.len()),
    };
    Outcome {
        status: if worked {
            OutcomeStatus::Succeeded
        } else {
            OutcomeStatus::Failed
        },
        needs_restart: false,
        summary,
        events,
        more: vec![],
    }
}

fn event(line: &str) -> Option<Event> {
    let file = match line.strip_suffix(" FOUND") {
        Some(file) => file,
        None if has("splits-every-line") => line.split(" FOUND").nth(1).map(|_| line).unwrap(),
        None => return None,
    };
    let fields = if has("event-without-its-field") && file.contains(' ') {
        json!({ "name": file })
    } else {
        json!({ "file": file })
    };
    Some(Event {
        event_type: "found".into(),
        text: "Something was found.".into(),
        fields: fields.to_string(),
    })
}
