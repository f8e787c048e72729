//! Building the steps of a command.

use crate::{Command, KeptOutput, Meaning, ProgressRole, ProgressRule, StatusMeaning, Step, Value};
use std::ops::RangeInclusive;

const KEPT: u32 = 4096;

impl Step {
    /// A program, by the connector's name for it. It gets no arguments and no input, 0 means that it
    /// succeeded, and 4 KiB of its output are kept from the start and from the end.
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
    #[must_use]
    pub fn arg(mut self, text: impl Into<String>) -> Self {
        self.arguments.push(Value::Literal(text.into()));
        self
    }

    /// More arguments.
    #[must_use]
    pub fn args<T: Into<String>>(mut self, texts: impl IntoIterator<Item = T>) -> Self {
        self.arguments
            .extend(texts.into_iter().map(|text| Value::Literal(text.into())));
        self
    }

    /// A variable of its environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment
            .push((name.into(), Value::Literal(value.into())));
        self
    }

    /// A variable of its environment, whose value is a secret in the server's vault.
    #[must_use]
    pub fn env_secret(mut self, name: &str, secret: impl Into<String>) -> Self {
        self.environment
            .push((name.into(), Value::Secret(secret.into())));
        self
    }

    /// What is written to its standard input.
    #[must_use]
    pub fn input(mut self, text: impl Into<String>) -> Self {
        self.standard_input = Some(Value::Literal(text.into()));
        self
    }

    /// Seconds for this step alone.
    #[must_use]
    pub fn time_limit(mut self, seconds: u32) -> Self {
        self.time_limit = Some(seconds);
        self
    }

    /// What some exit statuses mean. Once there is one, any status that is not listed failed, 0 too.
    #[must_use]
    pub fn status(mut self, statuses: RangeInclusive<i32>, meaning: Meaning) -> Self {
        let (first, last) = statuses.into_inner();
        self.statuses.push(StatusMeaning {
            first,
            last,
            meaning,
        });
        self
    }

    /// How progress shows in its output.
    #[must_use]
    pub fn progress(mut self, pattern: &str, role: ProgressRole) -> Self {
        self.progress = Some(ProgressRule {
            pattern: pattern.into(),
            role,
        });
        self
    }

    /// How many bytes of its output are kept from the start and from the end.
    #[must_use]
    pub fn keep(mut self, head: u32, tail: u32) -> Self {
        (self.keep.head, self.keep.tail) = (head, tail);
        self
    }

    /// Which lines are kept wherever they stand, and how many at most.
    #[must_use]
    pub fn keep_lines(mut self, pattern: &str, most: u32) -> Self {
        (self.keep.lines, self.keep.most_lines) = (Some(pattern.into()), most);
        self
    }
}

impl From<Vec<Step>> for Command {
    fn from(steps: Vec<Step>) -> Self {
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
