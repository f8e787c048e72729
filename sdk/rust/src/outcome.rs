//! Outcomes: what a device's report means.

use crate::{Event, Outcome, OutcomeStatus, Report};

/// The longest text of an outcome or an event, in bytes.
const LONGEST: usize = 1000;
const MOST_EVENTS: usize = 10_000;
/// An answer may have 4 MiB; something is left for what surrounds the events.
const MOST_BYTES: usize = 3 * 1024 * 1024;

/// The start of a text, at most so many bytes, without cutting a character in two.
///
/// ```
/// assert_eq!(muster_sdk::cut("naïve", 3), "na");
/// ```
pub fn cut(text: &str, most: usize) -> &str {
    if text.len() <= most {
        text
    } else {
        text.split_at(text.floor_char_boundary(most)).0
    }
}

/// A text of the contract's length, without characters that could fake a line or a colour.
pub(crate) fn sentence(text: &str) -> String {
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
    ///
    /// ```
    /// use muster_sdk::{Outcome, OutcomeStatus};
    ///
    /// assert_eq!(Outcome::succeeded("No threats.").status, OutcomeStatus::Succeeded);
    /// ```
    pub fn succeeded(summary: impl AsRef<str>) -> Self {
        Self::new(OutcomeStatus::Succeeded, summary.as_ref())
    }

    /// It was done, and somebody should look.
    ///
    /// ```
    /// use muster_sdk::{Outcome, OutcomeStatus};
    ///
    /// assert_eq!(Outcome::warning("2 threats.").status, OutcomeStatus::Warning);
    /// ```
    pub fn warning(summary: impl AsRef<str>) -> Self {
        Self::new(OutcomeStatus::Warning, summary.as_ref())
    }

    /// It was not done.
    ///
    /// ```
    /// use muster_sdk::{Outcome, OutcomeStatus};
    ///
    /// assert_eq!(Outcome::failed("No database.").status, OutcomeStatus::Failed);
    /// ```
    pub fn failed(summary: impl AsRef<str>) -> Self {
        Self::new(OutcomeStatus::Failed, summary.as_ref())
    }

    /// The same with events, which an [`EventKind`](crate::EventKind) makes.
    ///
    /// ```
    /// use muster_sdk::{EventKind, NoFields, Outcome, Severity};
    ///
    /// const FOUND: EventKind<NoFields> = EventKind::new("found", "Found", Severity::Critical);
    /// let outcome = Outcome::warning("Found.").with([FOUND.event("Something.", &NoFields {})]);
    /// assert_eq!(outcome.events[0].event_type, "found");
    /// ```
    #[must_use]
    pub fn with(mut self, events: impl IntoIterator<Item = Event>) -> Self {
        self.events.extend(events);
        self
    }

    /// The same, and it takes effect after a restart of the device.
    ///
    /// ```
    /// assert!(muster_sdk::Outcome::succeeded("Installed.").needs_restart().needs_restart);
    /// ```
    #[must_use]
    pub fn needs_restart(mut self) -> Self {
        self.needs_restart = true;
        self
    }

    /// What the ends of the steps say by themselves: 0 succeeded, anything else did not.
    ///
    /// ```
    /// use muster_sdk::{Outcome, Report, StepReport};
    ///
    /// let outcome = Outcome::by_ends(&Report::of([StepReport::exited("ping", 1)]));
    /// assert_eq!(outcome.summary, "ping ended with status 1.");
    /// ```
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NoFields;

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
