//! Reports: what came of a delivery on a device.

use crate::outcome::cut;
use crate::{Report, StepEnd, StepReport};

impl Report {
    /// A report of steps, as a device makes it; for tests of `interpret`.
    ///
    /// ```
    /// use muster_sdk::{Report, StepReport};
    ///
    /// let report = Report::of([StepReport::exited("ping", 1).tail("1 packets transmitted\n")]);
    /// assert_eq!(report.step("ping").unwrap().status(), Some(1));
    /// ```
    pub fn of(steps: impl IntoIterator<Item = StepReport>) -> Self {
        Self {
            steps: steps.into_iter().collect(),
            more: Vec::new(),
        }
    }

    /// The last step of a program.
    ///
    /// ```
    /// use muster_sdk::{Report, StepReport};
    ///
    /// assert!(Report::of([StepReport::exited("find", 0)]).step("clamscan").is_none());
    /// ```
    pub fn step(&self, program: &str) -> Option<&StepReport> {
        self.steps.iter().rev().find(|step| step.program == program)
    }

    /// Why the command did not run to its end, if a step ended in any other way than by itself.
    ///
    /// ```
    /// use muster_sdk::{Report, StepEnd, StepReport};
    ///
    /// let report = Report::of([StepReport::ended("scan", StepEnd::TimedOut)]);
    /// assert_eq!(report.trouble().unwrap(), "scan was stopped at its time limit.");
    /// ```
    pub fn trouble(&self) -> Option<String> {
        if self.steps.is_empty() {
            return Some("The device reported no step.".into());
        }
        self.steps.iter().find_map(StepReport::trouble)
    }
}

impl StepReport {
    /// A step that ended by itself, with a status and without output; for tests.
    ///
    /// ```
    /// use muster_sdk::StepReport;
    ///
    /// assert_eq!(StepReport::exited("ping", 2).status(), Some(2));
    /// ```
    pub fn exited(program: &str, status: i32) -> Self {
        Self::ended(program, StepEnd::Exited(status))
    }

    /// A step that ended in some way, without output; for tests.
    ///
    /// ```
    /// use muster_sdk::{StepEnd, StepReport};
    ///
    /// assert_eq!(StepReport::ended("ping", StepEnd::Signalled(9)).status(), None);
    /// ```
    pub fn ended(program: &str, end: StepEnd) -> Self {
        Self {
            program: program.into(),
            end,
            duration: 0,
            head: String::new(),
            tail: String::new(),
            lines: Vec::new(),
            lines_left_out: 0,
        }
    }

    /// The same with output: its start.
    ///
    /// ```
    /// use muster_sdk::StepReport;
    ///
    /// let step = StepReport::exited("ping", 0).head("PING\n").tail("1 received\n");
    /// assert_eq!(step.output().collect::<Vec<_>>(), ["PING", "1 received"]);
    /// ```
    #[must_use]
    pub fn head(mut self, text: &str) -> Self {
        self.head = text.into();
        self
    }

    /// The same with output: its end.
    ///
    /// ```
    /// use muster_sdk::StepReport;
    ///
    /// assert_eq!(StepReport::exited("ping", 0).tail("x\n").tail, "x\n");
    /// ```
    #[must_use]
    pub fn tail(mut self, text: &str) -> Self {
        self.tail = text.into();
        self
    }

    /// The same with lines that were asked for.
    ///
    /// ```
    /// use muster_sdk::StepReport;
    ///
    /// let scan = StepReport::exited("clamscan", 1).lines(["/tmp/eicar: Eicar FOUND"]);
    /// assert_eq!(scan.lines.len(), 1);
    /// ```
    #[must_use]
    pub fn lines<T: Into<String>>(mut self, lines: impl IntoIterator<Item = T>) -> Self {
        self.lines = lines.into_iter().map(Into::into).collect();
        self
    }

    /// The exit status, if it ended by itself.
    ///
    /// ```
    /// use muster_sdk::{StepEnd, StepReport};
    ///
    /// assert_eq!(StepReport::ended("ping", StepEnd::Stopped).status(), None);
    /// ```
    pub fn status(&self) -> Option<i32> {
        match self.end {
            StepEnd::Exited(status) => Some(status),
            _ => None,
        }
    }

    /// Why it did not end by itself, in a sentence.
    ///
    /// ```
    /// use muster_sdk::{StepEnd, StepReport};
    ///
    /// let step = StepReport::ended("ping", StepEnd::Signalled(9));
    /// assert_eq!(step.trouble().unwrap(), "ping was ended by signal 9.");
    /// ```
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
    ///
    /// ```
    /// use muster_sdk::StepReport;
    ///
    /// let step = StepReport::exited("ping", 0).head("a\nb\n");
    /// assert_eq!(step.output().count(), 2);
    /// ```
    pub fn output(&self) -> impl Iterator<Item = &str> {
        self.head.lines().chain(self.tail.lines())
    }
}
