//! A call, and what came of it.

use super::super::engine::{Guest, Used};
use crate::failure::Failure;
use muster_domain::profile::{Profile, ProfileCount};
use muster_domain::report::Report;
use muster_plugin_harness::cases::form;
use serde_json::{Value, json};

/// What is asked beside the settings.
#[derive(Debug, Clone)]
pub(super) enum Question {
    Validate,
    Translate(ProfileCount),
    Interpret(Report),
    Migrate(u32),
}

/// One call.
#[derive(Debug, Clone)]
pub(super) struct Call(Option<(String, Value, Question)>);

/// What came of it.
#[derive(Debug, Clone)]
pub(super) struct Answered {
    function: &'static str,
    pub(super) answer: Option<Value>,
    /// Why there is none, with the functions that led to a trap.
    pub(super) failure: Option<String>,
    used: Option<Used>,
}

impl Call {
    pub(super) fn describe() -> Self {
        Self(None)
    }

    pub(super) fn new(task_type: String, settings: Value, question: Question) -> Self {
        Self(Some((task_type, settings, question)))
    }

    pub(super) fn ask(&self, guest: &Guest) -> Answered {
        let Some((task_type, settings, question)) = &self.0 else {
            return Answered {
                function: "describe",
                answer: Some(json!(guest.description())),
                failure: None,
                used: None,
            };
        };
        let (function, (answer, used)) = match question {
            Question::Validate => {
                let (answer, used) = guest.validate(task_type, settings);
                (
                    "validate",
                    (answer.map(|found| form::findings(&found)), used),
                )
            }
            Question::Translate(profile) => {
                let (answer, used) = guest.translate(task_type, settings, profile);
                (
                    "translate",
                    (answer.map(|answer| form::command(&answer)), used),
                )
            }
            Question::Interpret(report) => {
                let (answer, used) = guest.interpret(task_type, settings, report);
                (
                    "interpret",
                    (answer.map(|outcome| form::outcome(&outcome)), used),
                )
            }
            Question::Migrate(from) => {
                let (answer, used) = guest.migrate(task_type, *from, settings);
                let answer = answer.map(|answer| match answer {
                    Ok(settings) => settings.to_value(),
                    Err(found) => form::refused(&json!({ "invalid": form::findings(&found) })),
                });
                ("migrate", (answer, used))
            }
        };
        let (answer, failure) = match answer {
            Ok(answer) => (Some(answer), None),
            Err(failure) => (None, Some(failure)),
        };
        Answered {
            function,
            answer,
            failure,
            used: Some(used),
        }
    }
}

impl Answered {
    pub(super) fn json(&self) -> Value {
        json!({
            "function": self.function,
            "answer": self.answer,
            "failure": self.failure,
            "microseconds": self.used.map(Used::microseconds),
            "memory": self.used.map(|used| used.memory),
        })
    }

    /// What the call took, in a line.
    pub(super) fn cost(&self) -> String {
        match self.used {
            Some(used) => format!("{}: {used}", self.function),
            None => format!("{}: asked when the component was loaded", self.function),
        }
    }

    pub(super) fn result(&self) -> Result<(), Failure> {
        match &self.failure {
            Some(failure) => Err(Failure::Fault(failure.clone())),
            None => Ok(()),
        }
    }
}

/// A report as a case has it.
pub(super) fn report(value: Value, from: &str) -> Result<Report, Failure> {
    serde_json::from_value(value)
        .map_err(|error| Failure::Usage(format!("{from} is no report: {error}")))
}

/// A profile in the words of the contract, or as a server exports it.
pub(super) fn profile(mut value: Value) -> Result<ProfileCount, Failure> {
    let mut devices = 1;
    if let Some(members) = value.as_object_mut() {
        if let Some(count) = members.remove("devices") {
            devices = count
                .as_u64()
                .and_then(|count| u32::try_from(count).ok())
                .unwrap_or(1);
        }
        let version = members.remove("application-version");
        let version = version.or_else(|| members.remove("application_version"));
        members.insert(
            "application_version".to_owned(),
            version.unwrap_or_default(),
        );
        members.entry("facts").or_insert_with(|| json!([]));
    }
    let profile: Profile = serde_json::from_value(value)
        .map_err(|error| Failure::Usage(format!("the profile is not understood: {error}")))?;
    Ok(ProfileCount { profile, devices })
}
