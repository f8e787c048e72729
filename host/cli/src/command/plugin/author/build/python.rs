//! Python: the SDK's own command makes a component of the module and the interpreter.

use super::{Made, file_name, tool};
use crate::failure::Failure;
use muster_plugin_component::Metadata;
use std::path::{Path, PathBuf};
use std::process::Command;

const GET_PYTHON: &str = "Python 3.11 or later is got from https://python.org or as packages of your distribution (Debian: python3 and python3-venv)";

pub(super) fn build(folder: &Path) -> Result<Made, Failure> {
    let project = folder.join("pyproject.toml");
    let text = std::fs::read_to_string(&project)
        .map_err(|cause| Failure::Usage(format!("cannot read {}: {cause}", project.display())))?;
    let read: toml::Table = text
        .parse()
        .map_err(|error| Failure::Usage(format!("{} is not TOML: {error}", project.display())))?;
    let python = python(folder)?;
    tool::output(Command::new(&python).arg("--version"), GET_PYTHON)?;
    let has_sdk = tool::output(
        Command::new(&python).args(["-c", "import muster_sdk"]),
        GET_PYTHON,
    );
    if has_sdk.is_err() {
        return Err(Failure::Refused(format!(
            "{} does not have the SDK: in {} run `python3 -m venv .venv` and `.venv/bin/pip install -r requirements.txt` once",
            python.display(),
            folder.display()
        )));
    }
    let place = tempfile::tempdir()
        .map_err(|cause| Failure::Refused(format!("no temporary folder: {cause}")))?;
    let component = place.path().join("plugin.wasm");
    let mut build = Command::new(&python);
    build
        .current_dir(folder)
        .args(["-m", "muster_sdk", "build", "--output"])
        .arg(&component);
    tool::run(&mut build, GET_PYTHON)?;
    let component = std::fs::read(&component)
        .map_err(|cause| Failure::Refused(format!("the SDK made no component: {cause}")))?;
    let (name, metadata) = metadata(&read);
    Ok(Made {
        name: file_name(&name),
        component,
        metadata,
    })
}

/// The project's own interpreter, if it has one.
fn python(folder: &Path) -> Result<PathBuf, Failure> {
    let own = folder.join(".venv/bin/python");
    if !own.exists() {
        return Ok("python3".into());
    }
    // Not to be resolved: an environment is known by the path of its interpreter.
    std::path::absolute(&own)
        .map_err(|cause| Failure::Usage(format!("cannot find {}: {cause}", own.display())))
}

fn metadata(read: &toml::Table) -> (String, Metadata) {
    let project = read.get("project").and_then(toml::Value::as_table);
    let value = |name: &str| project.and_then(|project| project.get(name));
    let text = |name: &str| value(name).and_then(toml::Value::as_str).map(str::to_owned);
    let within = |name: &str, member: &str| {
        let of = value(name).and_then(|table| table.get(member));
        of.and_then(toml::Value::as_str).map(str::to_owned)
    };
    let authors = value("authors").and_then(toml::Value::as_array);
    let authors = authors.into_iter().flatten();
    let authors: Vec<&str> = authors
        .filter_map(|author| author.get("name")?.as_str())
        .collect();
    let metadata = Metadata {
        version: text("version"),
        description: text("description"),
        authors: Some(authors.join(", ")),
        licenses: text("license").or_else(|| within("license", "text")),
        source: within("urls", "Repository").or_else(|| within("urls", "Source")),
        homepage: within("urls", "Homepage"),
        made_by: None,
    };
    (
        text("name").unwrap_or_else(|| "plugin".to_owned()),
        metadata,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_project_says_of_itself_is_taken() {
        let text = "[project]\nname = \"a-b\"\nversion = \"1.0.0\"\nlicense = {text = \"MIT\"}\n\
            authors = [{name = \"Anna\"}, {name = \"Bo\"}]\n[project.urls]\nHomepage = \"https://vendor.example\"\n";
        let (name, found) = metadata(&text.parse().unwrap());
        assert_eq!(name, "a-b");
        assert_eq!(found.authors.as_deref(), Some("Anna, Bo"));
        assert_eq!(found.licenses.as_deref(), Some("MIT"));
        assert_eq!(found.homepage.as_deref(), Some("https://vendor.example"));
    }

    #[test]
    fn an_sdk_that_is_not_there_is_told_with_the_remedy() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("pyproject.toml"), "[project]\n").unwrap();
        let python = folder.path().join(".venv/bin/python");
        std::fs::create_dir_all(python.parent().unwrap()).unwrap();
        std::fs::write(&python, "#!/bin/sh\n[ \"$1\" = --version ]\n").unwrap();
        #[cfg(unix)]
        {
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
            std::fs::set_permissions(&python, mode).unwrap();
        }
        let refused = build(folder.path()).err().unwrap().to_string();
        assert!(
            refused.contains("pip install -r requirements.txt"),
            "{refused}"
        );
    }
}
