//! A device for tests: it carries out commands as an agent does. No shell, only programs that the
//! connector names, and reports with no more output than was asked for.

use muster_sdk::{Command, Meaning, Plugin, Profile, Report, Step, StepEnd, StepReport, Value};
use regex::Regex;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command as Process, Stdio};

/// A device with an application's programs, by the connector's names for them.
pub(crate) struct Device {
    programs: BTreeMap<String, String>,
}

impl Device {
    /// A device with the connector of a plug-in; none, with a note, where one of these programs is
    /// not installed. On a build server that is a failure.
    pub(crate) fn with(connector: &Path, needed: &[&str]) -> Option<Self> {
        #[derive(serde::Deserialize)]
        struct Connector {
            programs: BTreeMap<String, String>,
        }
        let text = std::fs::read_to_string(connector).expect("the connector is readable");
        let programs = toml::from_str::<Connector>(&text)
            .expect("the connector is valid")
            .programs;
        for name in needed {
            let path = programs
                .get(*name)
                .unwrap_or_else(|| panic!("the connector has no {name}"));
            // Nothing that is missing is passed over without a word.
            if !Path::new(path).exists() && muster_test_harness::needs(name).is_none() {
                return None;
            }
        }
        Some(Self { programs })
    }

    /// Translates a task for this device, and carries it out.
    pub(crate) fn carry_out<P: Plugin>(
        &self,
        task_type: &str,
        settings: &str,
        facts: &[(&str, &str)],
    ) -> Report {
        let profile = Profile {
            platform: "linux".into(),
            architecture: "x86_64".into(),
            application_version: None,
            facts: facts
                .iter()
                .map(|&(name, value)| (name.into(), Some(value.into())))
                .collect(),
            devices: 1,
        };
        let verdict = P::validate(task_type, settings).unwrap();
        println!("{task_type} {settings}\n  verdict {:?}", verdict.findings);
        let command = P::translate(task_type, settings, &[profile]).pop().unwrap();
        self.run(&command.expect("the settings are good"))
    }

    fn run(&self, command: &Command) -> Report {
        let mut steps = Vec::new();
        for step in &command.steps {
            let report = self.step(step);
            println!("  {} {:?}\n    {report:?}", step.program, step.arguments);
            let meaning = meaning(step, &report.end);
            steps.push(report);
            if matches!(meaning, Meaning::Failed | Meaning::Done) {
                break;
            }
        }
        Report {
            steps,
            more: Vec::new(),
        }
    }

    fn step(&self, step: &Step) -> StepReport {
        let path = self
            .programs
            .get(&step.program)
            .expect("the connector names the program");
        let (mut output, write) = std::io::pipe().unwrap();
        let mut process = Process::new(path);
        process
            .args(step.arguments.iter().map(literal))
            .env_clear()
            .envs([
                ("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),
                ("LANG", "C"),
                ("HOME", "/root"),
            ])
            .envs(
                step.environment
                    .iter()
                    .map(|(name, value)| (name, literal(value))),
            )
            .stdin(Stdio::piped())
            .stdout(write.try_clone().unwrap())
            .stderr(write);
        let mut child = process.spawn().unwrap();
        drop(process);
        let mut input = child.stdin.take().unwrap();
        if let Some(value) = &step.standard_input {
            // A program that ends before it reads is no trouble.
            let _ = input.write_all(literal(value).as_bytes());
        }
        drop(input);
        let mut bytes = Vec::new();
        output.read_to_end(&mut bytes).unwrap();
        let status = child.wait().unwrap();
        let end = status
            .code()
            .map_or(StepEnd::Signalled(-1), StepEnd::Exited);
        report(step, end, &bytes)
    }
}

fn report(step: &Step, end: StepEnd, bytes: &[u8]) -> StepReport {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let head = bytes.len().min(step.keep.head as usize);
    let tail = head.max(bytes.len().saturating_sub(step.keep.tail as usize));
    let most = step.keep.most_lines as usize;
    let kept = step
        .keep
        .lines
        .as_deref()
        .map(|pattern| Regex::new(pattern).unwrap());
    let all = text(bytes);
    let mut lines: Vec<String> = all
        .split(['\n', '\r'])
        .filter(|line| kept.as_ref().is_some_and(|kept| kept.is_match(line)))
        .map(ToOwned::to_owned)
        .collect();
    let left_out = lines.len().saturating_sub(most) as u64;
    lines.truncate(most);
    StepReport {
        program: step.program.clone(),
        end,
        duration: 1,
        head: text(&bytes[..head]),
        tail: text(&bytes[tail..]),
        lines,
        lines_left_out: left_out,
    }
}

fn meaning(step: &Step, end: &StepEnd) -> Meaning {
    let StepEnd::Exited(status) = *end else {
        return Meaning::Failed;
    };
    if step.statuses.is_empty() && status == 0 {
        return Meaning::Succeeded;
    }
    let listed = step
        .statuses
        .iter()
        .find(|range| (range.first..=range.last).contains(&status));
    listed.map_or(Meaning::Failed, |range| range.meaning)
}

fn literal(value: &Value) -> &str {
    match value {
        Value::Literal(text) => text,
        Value::Secret(name) => panic!("this device has no secret {name}"),
    }
}
