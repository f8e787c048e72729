//! JavaScript: the SDK's own command bundles the sources and makes a component of them.

use super::{Made, file_name, tool};
use crate::failure::Failure;
use muster_plugin_component::Metadata;
use serde_json::Value;
use std::path::Path;
use std::process::Command;

const GET_NODE: &str = "Node.js 20 or later is got from https://nodejs.org or as a package of your distribution (Debian: nodejs and npm)";

pub(super) fn build(folder: &Path, names: bool) -> Result<Made, Failure> {
    let project = folder.join("package.json");
    let text = std::fs::read_to_string(&project)
        .map_err(|cause| Failure::Usage(format!("cannot read {}: {cause}", project.display())))?;
    let package: Value = serde_json::from_str(&text)
        .map_err(|error| Failure::Usage(format!("{} is not JSON: {error}", project.display())))?;
    let command = Path::new("node_modules/.bin/muster-sdk");
    tool::output(Command::new("node").arg("--version"), GET_NODE)?;
    if !folder.join(command).exists() {
        return Err(Failure::Refused(format!(
            "the SDK is not in {}: run `npm install` there once",
            folder.join("node_modules").display()
        )));
    }
    let place = tempfile::tempdir()
        .map_err(|cause| Failure::Refused(format!("no temporary folder: {cause}")))?;
    let component = place.path().join("plugin.wasm");
    let mut node = Command::new("node");
    node.current_dir(folder)
        .arg(command)
        .args(["build", "--output"])
        .arg(&component);
    if names {
        node.arg("--debug");
    }
    tool::run(&mut node, GET_NODE)?;
    let component = std::fs::read(&component)
        .map_err(|cause| Failure::Refused(format!("the SDK made no component: {cause}")))?;
    Ok(Made {
        name: file_name(&text_of(&package, "name").unwrap_or_else(|| "plugin".to_owned())),
        component,
        metadata: metadata(&package),
    })
}

fn text_of(package: &Value, name: &str) -> Option<String> {
    package.get(name).and_then(Value::as_str).map(str::to_owned)
}

/// Authors and repositories are texts, or objects with the text in them.
fn metadata(package: &Value) -> Metadata {
    let within = |name: &str, member: &str| {
        let of = |value: &Value| value.get(member).and_then(Value::as_str).map(str::to_owned);
        text_of(package, name).or_else(|| package.get(name).and_then(of))
    };
    Metadata {
        version: text_of(package, "version"),
        description: text_of(package, "description"),
        authors: within("author", "name"),
        licenses: text_of(package, "license"),
        source: within("repository", "url"),
        homepage: text_of(package, "homepage"),
        made_by: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_npm_knows_of_the_project_is_taken() {
        let found = metadata(&json!({
            "version": "1.0.0", "author": {"name": "Anna"}, "repository": {"url": "https://vendor.example/x"}
        }));
        assert_eq!(found.authors.as_deref(), Some("Anna"));
        assert_eq!(found.source.as_deref(), Some("https://vendor.example/x"));
        let plain = metadata(&json!({"author": "Anna <a@vendor.example>"}));
        assert_eq!(plain.authors.as_deref(), Some("Anna <a@vendor.example>"));
    }

    #[test]
    fn an_sdk_that_is_not_installed_is_told_with_the_remedy() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("package.json"), "{}").unwrap();
        let refused = build(folder.path(), false).err().unwrap().to_string();
        // Without Node.js that is told first.
        assert!(
            refused.contains("npm install") || refused.contains("nodejs"),
            "{refused}"
        );
        std::fs::write(folder.path().join("package.json"), "{").unwrap();
        assert!(
            build(folder.path(), false)
                .err()
                .unwrap()
                .to_string()
                .contains("not JSON")
        );
    }
}
