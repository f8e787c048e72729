//! Outcomes: what a device's report means.

use crate::{Event, Outcome, OutcomeStatus, Report, StepEnd, StepReport};
use serde::Serialize;

/// The longest text of an outcome or an event, in bytes.
const LONGEST: usize = 1000;
const MOST_EVENTS: usize = 10_000;
/// An answer may have 4 MiB; something is left for what surrounds the events.
const MOST_BYTES: usize = 3 * 1024 * 1024;

/// The start of a text, at most so many bytes, without cutting a character in two.
pub fn cut(text: &str, most: usize) -> &str {
    if text.len() <= most {
        text
    } else {
        text.split_at(text.floor_char_boundary(most)).0
    }
}

/// A text of the contract's length, without characters that could fake a line or a colour.
fn sentence(text: &str) -> String {
    let plain: String = text
        .chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect();
    if plain.len() <= LONGEST {
        plain
    } else {
        format!("{}…", cut(&plain, LONGEST - '…'.len_utf8()))
    }
}

impl Outcome {
    fn new(status: OutcomeStatus, summary: &str) -> Self {
        Self {
            status,
            needs_restart: false,
            summary: sentence(summary),
            events: Vec::new(),
            more: Vec::new(),
        }
    }

    /// It was done. The summary is cut to the contract's length, here and below.
    pub fn succeeded(summary: impl AsRef<str>) -> Self {
        Self::new(OutcomeStatus::Succeeded, summary.as_ref())
    }

    /// It was done, and somebody should look.
    pub fn warning(summary: impl AsRef<str>) -> Self {
        Self::new(OutcomeStatus::Warning, summary.as_ref())
    }

    /// It was not done.
    pub fn failed(summary: impl AsRef<str>) -> Self {
        Self::new(OutcomeStatus::Failed, summary.as_ref())
    }

    /// The same with events.
    #[must_use]
    pub fn with(mut self, events: impl IntoIterator<Item = Event>) -> Self {
        self.events.extend(events);
        self
    }

    /// What the ends of the steps say by themselves: 0 succeeded, anything else did not.
    pub fn by_ends(report: &Report) -> Self {
        let trouble = report.trouble().or_else(|| {
            let step = report.steps.last()?;
            let status = step.status().filter(|&status| status != 0)?;
            Some(format!("{} ended with status {status}.", step.program))
        });
        match trouble {
            Some(trouble) => Self::failed(trouble),
            None => Self::succeeded("Done."),
        }
    }

    /// Leaves out the last events until an answer with so many outcomes keeps its bounds, and says so.
    pub(crate) fn bounded(mut self, outcomes: usize) -> Self {
        let budget = MOST_BYTES / outcomes.max(1);
        let mut bytes = 0;
        let fits = self.events.iter().take(MOST_EVENTS).take_while(|event| {
            bytes += event.text.len() + event.fields.len() + event.event_type.len() + 64;
            bytes <= budget
        });
        let (kept, all) = (fits.count(), self.events.len());
        if kept < all {
            self.events.truncate(kept);
            self.summary = sentence(&format!(
                "{} (Only the first {kept} of {all} events are told.)",
                cut(&self.summary, LONGEST - 100)
            ));
        }
        self
    }
}

/// The fields of an event that has none.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct NoFields {}

impl Event {
    /// An event of one of the task type's event types. `fields` becomes an object: a struct with
    /// named fields, or [`NoFields`].
    pub fn new(event_type: &str, text: impl AsRef<str>, fields: &impl Serialize) -> Self {
        Self {
            event_type: event_type.into(),
            text: sentence(text.as_ref()),
            // Only maps with keys that are no texts fail, and types that say so themselves.
            fields: serde_json::to_string(fields).unwrap_or_else(|_| "{}".into()),
        }
    }
}

impl Report {
    /// The last step of a program.
    pub fn step(&self, program: &str) -> Option<&StepReport> {
        self.steps.iter().rev().find(|step| step.program == program)
    }

    /// Why the command did not run to its end, if a step ended in any other way than by itself.
    pub fn trouble(&self) -> Option<String> {
        if self.steps.is_empty() {
            return Some("The device reported no step.".into());
        }
        self.steps.iter().find_map(StepReport::trouble)
    }
}

impl StepReport {
    /// The exit status, if it ended by itself.
    pub fn status(&self) -> Option<i32> {
        match self.end {
            StepEnd::Exited(status) => Some(status),
            _ => None,
        }
    }

    /// Why it did not end by itself, in a sentence.
    pub fn trouble(&self) -> Option<String> {
        let program = cut(&self.program, 64);
        match &self.end {
            StepEnd::Exited(_) => None,
            StepEnd::Signalled(signal) => Some(format!("{program} was ended by signal {signal}.")),
            StepEnd::TimedOut => Some(format!("{program} was stopped at its time limit.")),
            StepEnd::Stopped => Some(format!("{program} was stopped.")),
            StepEnd::NotStarted(why) => Some(format!("{program} could not be started: {why}.")),
        }
    }

    /// The lines that were kept from start and end. A line that is cut in two where output was left
    /// out comes as its two ends.
    pub fn output(&self) -> impl Iterator<Item = &str> {
        self.head.lines().chain(self.tail.lines())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_keep_to_the_contract() {
        let outcome = Outcome::failed("ä".repeat(1000));
        assert!(outcome.summary.len() <= 1000 && outcome.summary.ends_with("ä…"));
        assert_eq!(
            Outcome::failed("a\u{1b}[31m\nb").summary,
            "a\u{fffd}[31m\u{fffd}b"
        );
    }

    #[test]
    fn an_answer_keeps_its_bounds_however_much_was_found() {
        let event = Event::new("x", "y".repeat(900), &[("file", "z".repeat(4000))]);
        let outcome = Outcome::warning("Found.")
            .with(vec![event; 9000])
            .bounded(2);
        assert!(outcome.events.len() < 400);
        assert!(outcome.summary.ends_with("of 9000 events are told.)"));
        let few = Outcome::warning("Found.")
            .with([Event::new("x", "y", &NoFields {})])
            .bounded(1000);
        assert_eq!((few.events.len(), few.summary.as_str()), (1, "Found."));
    }
}
