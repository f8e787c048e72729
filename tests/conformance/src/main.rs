//! `conformance`: every way to misbehave, put to the plug-in host.
//!
//! Ends with success if every case was contained. `cargo xtask conformance` builds and runs it.

use anyhow::{Context, Result, ensure};
use clap::Parser;
use muster_conformance::{Case, Expected, Trial, all};
use muster_plugin_host::{Compiler, compile_child_main};
use std::io::Write as _;
use std::process::ExitCode;

/// First argument of this program as the compiling child.
const COMPILE: &str = "compile-component";

#[derive(Parser)]
#[command(
    about = "Every way to misbehave that we know, put to the plug-in host",
    after_help = "Exit status 0: every case was contained. docs/conformance.md says what each does and what a host must answer."
)]
struct Line {
    /// Only cases whose name holds this
    filter: Option<String>,
    /// One JSON object a line instead of a table: case, asked, contained, kind, text, took (ms)
    #[arg(long)]
    json: bool,
    /// Tell of all cases in Markdown, as docs/conformance.md has them, and run none
    #[arg(long)]
    list: bool,
}

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == COMPILE) {
        return compile_child_main(arguments);
    }
    match run(&Line::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(line: &Line) -> Result<bool> {
    let cases = all().filter(|case| {
        let filter = line.filter.as_deref();
        filter.is_none_or(|part| case.name.contains(part))
    });
    if line.list {
        return list(cases).map(|()| true);
    }
    let cases: Vec<&Case> = cases.collect();
    ensure!(!cases.is_empty(), "no case has such a name");
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(try_all(line, &cases))
}

async fn try_all(line: &Line, cases: &[&Case]) -> Result<bool> {
    let folder = tempfile::tempdir()?;
    let compiler = Compiler {
        program: std::env::current_exe()?,
        arguments: vec![COMPILE.into()],
    };
    let trial = Trial::start(folder.path(), compiler).await?;
    let mut out = std::io::stdout();
    let mut escaped = 0;
    for case in cases {
        let answer = trial.run(case).await?;
        escaped += usize::from(!answer.contained);
        if line.json {
            writeln!(out, "{}", serde_json::to_string(&answer)?)?;
            continue;
        }
        let verdict = if answer.contained {
            "contained"
        } else {
            "NOT CONTAINED"
        };
        writeln!(
            out,
            "{:<36} {:<9} {verdict:<13} {:<16} {:>8.1} ms",
            case.name, case.asked, answer.kind, answer.took
        )?;
        if !answer.contained {
            writeln!(out, "    expected {}", case.expected.words())?;
            writeln!(out, "    came     {}: {}", answer.kind, answer.text)?;
        }
    }
    eprintln!(
        "{} of {} cases contained",
        cases.len() - escaped,
        cases.len()
    );
    Ok(escaped == 0)
}

fn list<'c>(cases: impl Iterator<Item = &'c Case>) -> Result<()> {
    let mut out = std::io::stdout();
    writeln!(
        out,
        "| case | asked | what the guest does | what a host must answer |"
    )?;
    writeln!(out, "| --- | --- | --- | --- |")?;
    for case in cases {
        let expected = match case.expected {
            Expected::Error(kind, says) => format!("`{kind}`: {}", says.replace('|', "\\|")),
            other => other.words(),
        };
        writeln!(
            out,
            "| `{}` | {} | {} | {expected} |",
            case.name, case.asked, case.does
        )
        .context("cannot write")?;
    }
    Ok(())
}
