//! The pretended device: a connector whose programs print what the cases' reports say.

use crate::failure::Failure;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// The device's name.
pub(super) const NAME: &str = "dev-1";

/// What a program prints and how it ends.
#[derive(Debug, Clone, Default, PartialEq)]
struct Act {
    output: String,
    status: i64,
}

/// The project's connector as it is.
pub(super) fn connector(project: &Path) -> Result<Option<String>, Failure> {
    let path = project.join("connector.toml");
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text)),
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(Failure::Usage(format!(
            "cannot read {}: {cause}",
            path.display()
        ))),
    }
}

/// The same connector with stand-ins for its programs, which are written below `folder`.
pub(super) fn pretended(connector: &str, project: &Path, folder: &Path) -> Result<String, Failure> {
    let read: toml::Table = connector
        .parse()
        .map_err(|error| Failure::Usage(format!("connector.toml: {error}")))?;
    let text = |name: &str| {
        read.get(name)
            .and_then(toml::Value::as_str)
            .unwrap_or_default()
    };
    let programs = read.get("programs").and_then(toml::Value::as_table);
    let names: Vec<&String> = programs
        .map(|programs| programs.keys().collect())
        .unwrap_or_default();
    let acts = acts(&project.join("cases"));
    std::fs::create_dir_all(folder).map_err(|cause| failed(folder, &cause))?;
    let mut lines = String::new();
    let mut first = folder.to_owned();
    for (number, name) in names.into_iter().enumerate() {
        // Names are the author's; files are numbered.
        let program = folder.join(format!("program-{number}"));
        stand_in(&program, acts.get(name).unwrap_or(&Act::default()))?;
        let _ = writeln!(
            lines,
            "{} = {}",
            quoted(name),
            quoted(&program.display().to_string())
        );
        first = program;
    }
    Ok(format!(
        "application = {}\nname = {}\n[installed]\nfile = [{}]\n[running]\nwhen = \"installed\"\n[programs]\n{lines}",
        quoted(text("application")),
        quoted(text("name")),
        quoted(&first.display().to_string()),
    ))
}

/// A JSON string is a TOML string as well.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn stand_in(program: &Path, act: &Act) -> Result<(), Failure> {
    let output = program.with_extension("txt");
    std::fs::write(&output, &act.output).map_err(|cause| failed(&output, &cause))?;
    // The path was made here, from a temporary folder and a number.
    let script = format!(
        "#!/bin/sh\ncat '{}'\nexit {}\n",
        output.display(),
        act.status
    );
    std::fs::write(program, script).map_err(|cause| failed(program, &cause))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(program, mode).map_err(|cause| failed(program, &cause))?;
    }
    Ok(())
}

fn failed(path: &Path, cause: &std::io::Error) -> Failure {
    Failure::Refused(format!("cannot write {}: {cause}", path.display()))
}

/// What each program did in the first report that has it and in which it ended by itself.
fn acts(cases: &Path) -> BTreeMap<String, Act> {
    let mut folders: Vec<PathBuf> = std::fs::read_dir(cases)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    folders.sort();
    let mut acts = BTreeMap::new();
    for folder in folders {
        let text = std::fs::read_to_string(folder.join("report.json")).unwrap_or_default();
        let report: Value = serde_json::from_str(&text).unwrap_or_default();
        let steps = report.get("steps").and_then(Value::as_array);
        for step in steps.into_iter().flatten() {
            let text = |name: &str| step.get(name).and_then(Value::as_str).unwrap_or_default();
            if let Some(status) = step.pointer("/end/exited").and_then(Value::as_i64) {
                let (head, tail) = (text("head"), text("tail"));
                let output = if head.is_empty() && tail.is_empty() {
                    lines(step)
                } else {
                    format!("{head}{tail}")
                };
                acts.entry(text("program").to_owned())
                    .or_insert(Act { output, status });
            }
        }
    }
    acts
}

fn lines(step: &Value) -> String {
    let lines = step.get("lines").and_then(Value::as_array);
    let lines = lines.into_iter().flatten().filter_map(Value::as_str);
    lines.flat_map(|line| [line, "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_print_what_the_cases_say() {
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path().join("project");
        let case = project.join("cases/a");
        std::fs::create_dir_all(&case).unwrap();
        let report = r#"{"steps": [
            {"program": "scan \"it\"", "end": {"exited": 1}, "head": "found\n", "tail": ""},
            {"program": "other", "end": "timed-out", "head": "", "tail": ""}]}"#;
        std::fs::write(case.join("report.json"), report).unwrap();
        let connector = "application = \"org.example.a\"\nname = \"A\"\n[programs]\n\"scan \\\"it\\\"\" = \"/bin/false\"\nother = \"/bin/false\"\n";
        let text = pretended(connector, &project, &folder.path().join("programs")).unwrap();
        let read: toml::Table = text.parse().unwrap();
        let programs = read["programs"].as_table().unwrap();
        let ran = |name: &str| {
            let ran = std::process::Command::new(programs[name].as_str().unwrap())
                .output()
                .unwrap();
            (String::from_utf8(ran.stdout).unwrap(), ran.status.code())
        };
        assert_eq!(ran("scan \"it\""), ("found\n".to_owned(), Some(1)));
        assert_eq!(ran("other"), (String::new(), Some(0)));
        assert_eq!(read["running"]["when"].as_str(), Some("installed"));
    }
}
