//! Building the steps of a command.

use crate::{Command, KeptOutput, Meaning, ProgressRole, ProgressRule, StatusMeaning, Step, Value};
use std::ops::RangeInclusive;

const KEPT: u32 = 4096;
const SUCCEEDED: StatusMeaning = StatusMeaning {
    first: 0,
    last: 0,
    meaning: Meaning::Succeeded,
};

impl Step {
    /// A program, by the connector's name for it. It gets no arguments and no input, 0 means that it
    /// succeeded, and 4 KiB of its output are kept from the start and from the end.
    ///
    /// ```
    /// let step = muster_sdk::Step::run("ping").args(["-c", "1", "localhost"]);
    /// assert_eq!((step.program.as_str(), step.keep.head), ("ping", 4096));
    /// ```
    #[must_use]
    pub fn run(program: &str) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            standard_input: None,
            time_limit: None,
            statuses: Vec::new(),
            progress: None,
            keep: KeptOutput {
                head: KEPT,
                tail: KEPT,
                lines: None,
                most_lines: 0,
            },
            more: Vec::new(),
        }
    }

    /// One more argument.
    ///
    /// ```
    /// assert_eq!(muster_sdk::Step::run("ping").arg("-c").arg("1").arguments.len(), 2);
    /// ```
    #[must_use]
    pub fn arg(mut self, text: impl Into<String>) -> Self {
        self.arguments.push(Value::Literal(text.into()));
        self
    }

    /// More arguments.
    ///
    /// ```
    /// assert_eq!(muster_sdk::Step::run("ping").args(["-c", "1"]).arguments.len(), 2);
    /// ```
    #[must_use]
    pub fn args<T: Into<String>>(mut self, texts: impl IntoIterator<Item = T>) -> Self {
        self.arguments
            .extend(texts.into_iter().map(|text| Value::Literal(text.into())));
        self
    }

    /// A variable of its environment.
    ///
    /// ```
    /// let step = muster_sdk::Step::run("apt-get").env("DEBIAN_FRONTEND", "noninteractive");
    /// assert_eq!(step.environment[0].0, "DEBIAN_FRONTEND");
    /// ```
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment
            .push((name.into(), Value::Literal(value.into())));
        self
    }

    /// A variable of its environment, whose value is a secret in the server's vault, by its name or as a
    /// setting of the type [`Secret`](crate::Secret).
    ///
    /// ```
    /// use muster_sdk::{Step, Value};
    ///
    /// let step = Step::run("update").env_secret("TOKEN", "update-token");
    /// assert_eq!(step.environment[0].1, Value::Secret("update-token".into()));
    /// ```
    #[must_use]
    pub fn env_secret(mut self, name: &str, secret: impl Into<String>) -> Self {
        self.environment
            .push((name.into(), Value::Secret(secret.into())));
        self
    }

    /// What is written to its standard input.
    ///
    /// ```
    /// assert!(muster_sdk::Step::run("aide").input("report_url=stdout\n").standard_input.is_some());
    /// ```
    #[must_use]
    pub fn input(mut self, text: impl Into<String>) -> Self {
        self.standard_input = Some(Value::Literal(text.into()));
        self
    }

    /// A secret in the server's vault as its standard input, by its name or as a setting of the type
    /// [`Secret`](crate::Secret). The value is written as it is, without a line end. Where a program can
    /// take it so, it is better than a variable: an environment can be looked at on the device by
    /// whoever may look at the process.
    ///
    /// ```
    /// use muster_sdk::{Step, Value};
    ///
    /// let step = Step::run("unlock").input_secret("disk");
    /// assert_eq!(step.standard_input, Some(Value::Secret("disk".into())));
    /// ```
    #[must_use]
    pub fn input_secret(mut self, secret: impl Into<String>) -> Self {
        self.standard_input = Some(Value::Secret(secret.into()));
        self
    }

    /// Seconds for this step alone.
    ///
    /// ```
    /// assert_eq!(muster_sdk::Step::run("scan").time_limit(60).time_limit, Some(60));
    /// ```
    #[must_use]
    pub fn time_limit(mut self, seconds: u32) -> Self {
        self.time_limit = Some(seconds);
        self
    }

    /// What an exit status means, or several: `1` or `0..=7`. One that is not told failed, and 0
    /// succeeded.
    ///
    /// ```
    /// use muster_sdk::{Command, Meaning, Step};
    ///
    /// let command: Command = Step::run("scan").status(1, Meaning::Warning).into();
    /// assert_eq!(command.steps[0].statuses.len(), 2);
    /// assert_eq!(command.steps[0].statuses[0].meaning, Meaning::Succeeded);
    /// ```
    #[must_use]
    pub fn status(mut self, statuses: impl Into<Statuses>, meaning: Meaning) -> Self {
        let Statuses { first, last } = statuses.into();
        self.statuses.push(StatusMeaning {
            first,
            last,
            meaning,
        });
        self
    }

    /// How progress shows in its output.
    ///
    /// ```
    /// use muster_sdk::{ProgressRule, Step};
    ///
    /// let step = Step::run("update").progress(ProgressRule::percent(r"(?<percent>\d+)%"));
    /// assert!(step.progress.is_some());
    /// ```
    #[must_use]
    pub fn progress(mut self, rule: ProgressRule) -> Self {
        self.progress = Some(rule);
        self
    }

    /// How many bytes of its output are kept from the start and from the end.
    ///
    /// ```
    /// assert_eq!(muster_sdk::Step::run("scan").keep(0, 1024).keep.tail, 1024);
    /// ```
    #[must_use]
    pub fn keep(mut self, head: u32, tail: u32) -> Self {
        (self.keep.head, self.keep.tail) = (head, tail);
        self
    }

    /// Which lines are kept wherever they stand, and how many at most.
    ///
    /// ```
    /// let step = muster_sdk::Step::run("clamscan").keep_lines(r" FOUND$", 10_000);
    /// assert_eq!(step.keep.most_lines, 10_000);
    /// ```
    #[must_use]
    pub fn keep_lines(mut self, pattern: &str, most: u32) -> Self {
        (self.keep.lines, self.keep.most_lines) = (Some(pattern.into()), most);
        self
    }
}

/// Exit statuses: one, or a range of them.
///
/// ```
/// use muster_sdk::Statuses;
///
/// assert_eq!(Statuses::from(1), Statuses::from(1..=1));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statuses {
    first: i32,
    last: i32,
}

impl From<i32> for Statuses {
    fn from(status: i32) -> Self {
        Self {
            first: status,
            last: status,
        }
    }
}

impl From<RangeInclusive<i32>> for Statuses {
    fn from(statuses: RangeInclusive<i32>) -> Self {
        let (first, last) = statuses.into_inner();
        Self { first, last }
    }
}

/// The rules of progress. Each says in its name what its pattern has to hold; natively, a pattern
/// without it panics, so that a test finds it.
///
/// ```should_panic
/// muster_sdk::ProgressRule::percent(r"\d+%");
/// ```
impl ProgressRule {
    /// Lines tell a percentage, in the group `percent`; a group `message` is shown.
    ///
    /// ```
    /// let rule = muster_sdk::ProgressRule::percent(r"^(?<percent>\d+)% (?<message>.*)$");
    /// assert_eq!(rule.role, muster_sdk::ProgressRole::Report);
    /// ```
    pub fn percent(pattern: &str) -> Self {
        Self::with_groups(pattern, ProgressRole::Report, &["percent"])
    }

    /// Lines tell how much is done and of how much, in the groups `done` and `total`; a group
    /// `message` is shown.
    ///
    /// ```
    /// let rule = muster_sdk::ProgressRule::done_of_total(r"^(?<done>\d+) of (?<total>\d+)$");
    /// assert_eq!(rule.role, muster_sdk::ProgressRole::Report);
    /// ```
    pub fn done_of_total(pattern: &str) -> Self {
        Self::with_groups(pattern, ProgressRole::Report, &["done", "total"])
    }

    /// Each such line is one of what a later step has to do.
    ///
    /// ```
    /// let rule = muster_sdk::ProgressRule::one_to_do(r"^\.$");
    /// assert_eq!(rule.role, muster_sdk::ProgressRole::CountTotal);
    /// ```
    pub fn one_to_do(pattern: &str) -> Self {
        Self::with_groups(pattern, ProgressRole::CountTotal, &[])
    }

    /// Each such line is one of them done; a group `message` is shown.
    ///
    /// ```
    /// let rule = muster_sdk::ProgressRule::one_done(": (OK|FOUND)$");
    /// assert_eq!(rule.role, muster_sdk::ProgressRole::CountDone);
    /// ```
    pub fn one_done(pattern: &str) -> Self {
        Self::with_groups(pattern, ProgressRole::CountDone, &[])
    }

    fn with_groups(pattern: &str, role: ProgressRole, groups: &[&str]) -> Self {
        for group in groups {
            debug_assert!(
                pattern.contains(&format!("<{group}>")),
                "the pattern {pattern:?} has no group (?<{group}>…)"
            );
        }
        Self {
            pattern: pattern.into(),
            role,
        }
    }
}

impl From<Vec<Step>> for Command {
    fn from(mut steps: Vec<Step>) -> Self {
        for step in &mut steps {
            let told = |status: &StatusMeaning| (status.first..=status.last).contains(&0);
            if !step.statuses.is_empty() && !step.statuses.iter().any(told) {
                step.statuses.insert(0, SUCCEEDED);
            }
        }
        Self {
            steps,
            more: Vec::new(),
        }
    }
}

impl From<Step> for Command {
    fn from(step: Step) -> Self {
        vec![step].into()
    }
}
