//! The other way to keep a plug-in apart: a process of its own that answers JSON lines.
//!
//! Both sides are as plain as they can be, and the child is this very program with the plug-in
//! linked in: what is measured is the way there and back, and the same work.

use anyhow::{Context, Result, bail};
use muster_clamav::ClamAv;
use muster_sdk::{Plugin as _, Profile};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};

/// First argument of this program as the answering child.
pub(crate) const ARGUMENT: &str = "answer-json-lines";

/// One line to the child.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Request<'a> {
    function: Function,
    task_type: Cow<'a, str>,
    settings: Cow<'a, str>,
    profiles: Cow<'a, [Profile]>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Function {
    Validate,
    Translate,
}

impl<'a> Request<'a> {
    pub(crate) fn validate(settings: &'a str) -> Self {
        Self {
            function: Function::Validate,
            task_type: crate::subject::TASK_TYPE.into(),
            settings: settings.into(),
            profiles: Cow::Borrowed(&[]),
        }
    }

    pub(crate) fn translate(settings: &'a str, profiles: &'a [Profile]) -> Self {
        Self {
            function: Function::Translate,
            profiles: profiles.into(),
            ..Self::validate(settings)
        }
    }
}

/// What the child does: a line in, a line out, until nobody asks any more.
pub(crate) fn serve() -> Result<()> {
    let mut lines = BufReader::new(std::io::stdin().lock());
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut line = String::new();
    while lines.read_line(&mut line)? > 0 {
        let request: Request<'_> = serde_json::from_str(&line)?;
        let (task_type, settings) = (&request.task_type, &request.settings);
        match request.function {
            Function::Validate => {
                let verdict = ClamAv::validate(task_type, settings);
                serde_json::to_writer(&mut out, &verdict)?;
            }
            Function::Translate => {
                let commands = ClamAv::translate(task_type, settings, &request.profiles);
                serde_json::to_writer(&mut out, &commands)?;
            }
        }
        out.write_all(b"\n")?;
        out.flush()?;
        line.clear();
    }
    Ok(())
}

/// A child that answers. It ends when this is dropped.
pub(crate) struct Child {
    process: std::process::Child,
    requests: Option<BufWriter<ChildStdin>>,
    answers: BufReader<ChildStdout>,
    line: String,
}

impl Child {
    pub(crate) fn start() -> Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .arg(ARGUMENT)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the answering child")?;
        let (Some(requests), Some(answers)) = (process.stdin.take(), process.stdout.take()) else {
            bail!("the answering child has no pipes");
        };
        Ok(Self {
            process,
            requests: Some(BufWriter::new(requests)),
            answers: BufReader::new(answers),
            line: String::new(),
        })
    }

    pub(crate) fn ask<T: DeserializeOwned>(&mut self, request: &Request<'_>) -> Result<T> {
        let requests = self
            .requests
            .as_mut()
            .context("the child was told to end")?;
        serde_json::to_writer(&mut *requests, request)?;
        requests.write_all(b"\n")?;
        requests.flush()?;
        self.line.clear();
        self.answers.read_line(&mut self.line)?;
        serde_json::from_str(&self.line).context("the answering child said something odd")
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It ends when its standard input does.
        drop(self.requests.take());
        let _ = self.process.wait();
    }
}
