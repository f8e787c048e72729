//! Before a command begins: every program is one that the connector names, every pattern compiles,
//! every value is in a place where it may be. So a command that cannot be carried out whole is not begun.

use crate::connector::{Connector, bounded_regex};
use muster_domain::command::{Command, KeptOutput, ProgressRole, Step, Value};
use regex::Regex;
use std::path::PathBuf;
use std::time::Duration;

const MOST_STEPS: usize = 32;

/// A step that can be started.
pub(crate) struct Prepared {
    /// As the command has it.
    pub(crate) step: Step,
    pub(crate) path: PathBuf,
    pub(crate) arguments: Vec<String>,
    pub(crate) environment: Vec<(String, Value)>,
    pub(crate) input: Option<Value>,
    pub(crate) limit: Option<Duration>,
    pub(crate) progress: Option<(Regex, ProgressRole)>,
    pub(crate) lines: Option<Regex>,
    pub(crate) keep: KeptOutput,
}

/// Why the device will not carry out a command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("the command cannot be read: {0}")]
    Unreadable(String),
    #[error("the command has {0} steps; from 1 to 32 are taken")]
    Steps(usize),
    #[error("program \"{program}\" is not named by the connector for {application} on this device")]
    Program {
        program: String,
        application: String,
    },
    #[error(
        "secret \"{0}\" would be an argument, which every user of this device can see while the program runs"
    )]
    SecretArgument(String),
    #[error("the environment variable \"{0}\" may not be set")]
    Variable(String),
    #[error("a pattern of program \"{program}\" cannot be used: {cause}")]
    Pattern { program: String, cause: String },
}

/// Reads a command's body and makes its steps ready.
pub(crate) fn prepare(body: &str, connector: &Connector) -> Result<Vec<Prepared>, Refusal> {
    let command: Command =
        serde_json::from_str(body).map_err(|cause| Refusal::Unreadable(cause.to_string()))?;
    if !(1..=MOST_STEPS).contains(&command.steps.len()) {
        return Err(Refusal::Steps(command.steps.len()));
    }
    command
        .steps
        .into_iter()
        .map(|step| prepare_step(step, connector))
        .collect()
}

fn prepare_step(step: Step, connector: &Connector) -> Result<Prepared, Refusal> {
    let path = connector
        .programs
        .get(&step.program)
        .cloned()
        .ok_or_else(|| Refusal::Program {
            program: step.program.clone(),
            application: connector.application.to_string(),
        })?;
    let pattern = |text: &str| {
        bounded_regex(text).map_err(|cause| Refusal::Pattern {
            program: step.program.clone(),
            cause: cause.to_string(),
        })
    };
    let progress = match &step.progress {
        Some(rule) => Some((pattern(&rule.pattern)?, rule.role)),
        None => None,
    };
    let lines = step.keep.lines.as_deref().map(pattern).transpose()?;
    let environment = step.environment.iter().map(|(name, value)| {
        // The loader's variables would let a named program run code that nobody named.
        let allowed = !name.is_empty() && !name.contains(['=', '\0']) && !name.starts_with("LD_");
        if allowed {
            Ok((name.clone(), value.clone()))
        } else {
            Err(Refusal::Variable(name.clone()))
        }
    });
    Ok(Prepared {
        path,
        arguments: step
            .arguments
            .iter()
            .map(argument)
            .collect::<Result<_, _>>()?,
        environment: environment.collect::<Result<_, _>>()?,
        input: step.standard_input.clone(),
        limit: step
            .time_limit
            .map(|seconds| Duration::from_secs(seconds.into())),
        progress,
        lines,
        keep: step.keep.clone(),
        step,
    })
}

fn argument(value: &Value) -> Result<String, Refusal> {
    match value {
        Value::Literal(text) => Ok(text.clone()),
        Value::Secret(name) => Err(Refusal::SecretArgument(name.clone())),
    }
}

impl Prepared {
    /// A secret that it needs, if it needs any.
    pub(crate) fn secret(&self) -> Option<&str> {
        let environment = self.environment.iter().map(|(_, value)| value);
        environment
            .chain(&self.input)
            .find_map(|value| match value {
                Value::Secret(name) => Some(name.as_str()),
                Value::Literal(_) => None,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connector::RunningRule;

    fn refusal(step: &serde_json::Value) -> String {
        let connector = Connector {
            application: "org.example.x".parse().unwrap(),
            name: "X".into(),
            installed: vec![],
            version: None,
            running: RunningRule::Installed,
            programs: [("scan".to_owned(), PathBuf::from("/bin/true"))].into(),
        };
        let body = serde_json::json!({ "steps": [step] }).to_string();
        prepare(&body, &connector)
            .err()
            .map_or_else(String::new, |refusal| refusal.to_string())
    }

    #[test]
    fn what_the_owner_did_not_allow_is_refused_before_anything_begins() {
        let keep = serde_json::json!({ "head": 0, "tail": 0 });
        let step = |more: serde_json::Value| {
            let mut step = serde_json::json!({ "program": "scan", "keep": keep });
            step.as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            refusal(&step)
        };
        assert_eq!(step(serde_json::json!({})), "");
        assert!(
            step(serde_json::json!({ "program": "/bin/rm" })).contains("\"/bin/rm\" is not named")
        );
        assert!(
            step(serde_json::json!({ "arguments": [{ "secret": "key" }] }))
                .contains("secret \"key\" would be an argument")
        );
        assert!(
            step(serde_json::json!({ "environment": [["LD_PRELOAD", { "literal": "x" }]] }))
                .contains("LD_PRELOAD")
        );
        assert!(
            step(serde_json::json!({ "progress": { "pattern": "(", "role": "report" } }))
                .contains("pattern")
        );
        assert!(step(serde_json::json!({ "progress": { "pattern": r"\w{1000}{1000}", "role": "report" } })).contains("pattern"));
        assert!(step(serde_json::json!({ "program": 7 })).contains("cannot be read"));
    }
}
