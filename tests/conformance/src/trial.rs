//! Putting cases to a host, and what it makes of them.

use crate::case::{Asked, Case, Expected, Guest};
use crate::rust;
use anyhow::{Context, Result};
use muster_domain::chain;
use muster_domain::finding::Finding;
use muster_domain::profile::{Profile, ProfileCount};
use muster_domain::report::{Report, StepEnd, StepReport};
use muster_domain::settings::Settings;
use muster_plugin_host::{
    CallError, CallFailure, CompileError, Compiler, Config, Fault, Folders, LoadError, LoadFailure,
    Plugin, PluginHost, Terms,
};
use serde::Serialize;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A host, with a good plug-in that must go on working.
pub struct Trial {
    host: Arc<PluginHost>,
    good: Arc<Plugin>,
}

/// What a host made of a case.
#[derive(Debug, Clone, Serialize)]
pub struct Answer {
    /// The case.
    pub case: &'static str,
    /// What the guest was asked.
    pub asked: Asked,
    /// Whether that is what a host must answer.
    pub contained: bool,
    /// The kind of error, or `answered`.
    pub kind: &'static str,
    /// The error with its causes.
    pub text: String,
    /// Milliseconds from question to answer; loading included where that is the question.
    pub took: f64,
}

/// What came of one question.
enum Came {
    Answered,
    /// Settings that the task type's schema, or the guest, refuses.
    Refused(Vec<Finding>),
    Load(LoadError),
    Call(CallError),
}

impl Trial {
    /// Starts a host whose private files lie in a folder.
    pub async fn start(folder: &Path, compiler: Compiler) -> Result<Self> {
        let config = Config {
            // Every call is asked again.
            replay: 1,
            // What loops has all its time, however busy the machine is.
            by_the_clock: 1000,
            compile: muster_plugin_host::CompileConfig {
                time: 60,
                processor_time: 5,
                ..Default::default()
            },
            ..Config::default()
        };
        let folders = Folders {
            private: folder.join("private"),
            files: folder.join("files"),
        };
        let host = PluginHost::start(config, folders, compiler)?;
        let good = host
            .load(rust::that("well")?.into(), Terms::default())
            .await?;
        Ok(Self { host, good })
    }

    /// Puts a case to the host.
    pub async fn run(&self, case: &Case) -> Result<Answer> {
        let component: Arc<[u8]> = match case.guest {
            Guest::Loads(behaviour) => rust::that(behaviour)?.into(),
            Guest::Told(_) => [].into(),
            Guest::Made(made) => made()
                .with_context(|| format!("make {}", case.name))?
                .into(),
        };
        let mut began = Instant::now();
        let before = self.host.counters().differed;
        let outcome = if let Guest::Told(word) = case.guest {
            ask(
                &self.good,
                case.asked,
                &settings(&told_to(case.asked, word))?,
            )
            .await
        } else {
            match self.host.load(component, Terms::default()).await {
                Err(error) => Came::Load(error),
                Ok(_) if case.asked == Asked::Load => Came::Answered,
                Ok(plugin) => {
                    began = Instant::now();
                    ask(&plugin, case.asked, &settings(&"a".repeat(39))?).await
                }
            }
        };
        let took = began.elapsed().as_secs_f64() * 1e3;
        let (kind, text, fault) = told(&outcome);
        let mut contained = match case.expected {
            Expected::Error("settings-refused", says) => matches!(&outcome, Came::Refused(found)
                if found.iter().any(|finding| finding.code == says)),
            Expected::Error(expected, says) => {
                kind == expected && text.contains(says) && fault == Some(Fault::Plugin)
            }
            Expected::Harmless => fault.is_none(),
            Expected::Either => fault.is_none() || fault == Some(Fault::Plugin),
            Expected::Differs => fault.is_none() && self.found_out(before).await,
        };
        // Whatever it did, others must not notice.
        let well = self.good.validate(&act()?, &settings("nothing")?).await;
        contained &= well.is_ok_and(|findings| findings.is_empty());
        Ok(Answer {
            case: case.name,
            asked: case.asked,
            contained,
            kind,
            text,
            took,
        })
    }

    /// Waits until the call that was asked again is counted, which is a moment after its answer.
    async fn found_out(&self, before: u64) -> bool {
        let patience = Instant::now() + Duration::from_secs(30);
        while self.host.counters().differed == before && Instant::now() < patience {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        self.host.counters().differed > before
    }
}

async fn ask(plugin: &Arc<Plugin>, asked: Asked, settings: &Settings) -> Came {
    let Ok(act) = act() else {
        return Came::Answered;
    };
    let answered = match asked {
        Asked::Load => return Came::Answered,
        Asked::Validate => match plugin.validate(&act, settings).await {
            Ok(findings) if !findings.is_empty() => return Came::Refused(findings),
            answer => answer.map(drop),
        },
        Asked::Translate => plugin
            .translate(&act, settings, &profiles(3))
            .await
            .map(drop),
        Asked::Interpret => plugin.interpret(&act, settings, &reports()).await.map(drop),
        Asked::Migrate => match plugin.migrate(&act, 1, settings).await {
            Ok(Err(findings)) => return Came::Refused(findings),
            answer => answer.map(drop),
        },
    };
    answered.map_or_else(Came::Call, |()| Came::Answered)
}

fn told(came: &Came) -> (&'static str, String, Option<Fault>) {
    match came {
        Came::Answered => ("answered", String::new(), None),
        Came::Refused(found) => ("settings-refused", format!("{found:?}"), None),
        Came::Load(error) => (load_kind(&error.reason), chain(error), Some(error.fault())),
        Came::Call(error) => (kind(&error.failure), chain(error), Some(error.fault())),
    }
}

fn load_kind(reason: &LoadFailure) -> &'static str {
    match reason {
        LoadFailure::Inspect(_) => "file-refused",
        LoadFailure::Compile(CompileError::Refused(_)) => "compiler-refused",
        LoadFailure::Compile(CompileError::TimedOut { .. }) => "compiler-time",
        LoadFailure::Compile(CompileError::OutOfMemory { .. }) => "compiler-memory",
        LoadFailure::Compile(CompileError::OutputTooLarge { .. }) => "compiler-output",
        LoadFailure::Contract(_) => "contract",
        LoadFailure::TooMuch(_) => "too-much",
        LoadFailure::Description(_) => "description",
        LoadFailure::Describe(failure) | LoadFailure::Example { cause: failure, .. } => {
            kind(failure)
        }
        _ => "server-fault",
    }
}

fn kind(failure: &CallFailure) -> &'static str {
    match failure {
        CallFailure::Trapped(_) => "trapped",
        CallFailure::TimedOut { .. } => "timed-out",
        CallFailure::OutOfMemory { .. } => "out-of-memory",
        CallFailure::TableTooLarge { .. } => "table-too-large",
        CallFailure::StackOverflow { .. } => "stack-overflow",
        CallFailure::AnswerTooLarge { .. } => "answer-too-large",
        CallFailure::Invalid(_) => "invalid-answer",
        CallFailure::Internal(_) => "internal",
        CallFailure::Busy { .. } | CallFailure::Starved { .. } => "busy",
        _ => "server-fault",
    }
}

fn act() -> Result<muster_domain::TaskTypeId> {
    Ok("act".parse()?)
}

/// What is told to the Rust guest that is to misbehave in this one function: `translate:loop`.
pub fn told_to(asked: Asked, word: &str) -> String {
    format!("{asked}:{word}")
}

/// Settings that tell the guest what to do.
pub fn settings(word: &str) -> Result<Settings> {
    let value = serde_json::json!({ "do": word });
    Settings::from_value(&value).map_err(|finding| anyhow::anyhow!(finding.text))
}

/// So many profiles, no two alike, each with another number of devices.
pub fn profiles(count: u32) -> Vec<ProfileCount> {
    (0..count)
        .map(|number| ProfileCount {
            profile: Profile {
                platform: "linux".into(),
                architecture: "x86_64".into(),
                application_version: Some("1.0".into()),
                facts: vec![("os.id".into(), Some(format!("debian-{number}")))],
            },
            devices: number + 1,
        })
        .collect()
}

/// Two reports that differ.
pub fn reports() -> [Report; 2] {
    [StepEnd::Exited(1), StepEnd::NotStarted("gone".into())].map(|end| Report {
        steps: vec![StepReport {
            program: "act".into(),
            end,
            duration: 5,
            head: "a".into(),
            tail: "b".into(),
            lines: vec!["x FOUND".into()],
            lines_left_out: 2,
        }],
    })
}
