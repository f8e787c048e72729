//! `muster plugin new`: a project to begin with.

mod name;
mod sdk;
mod template;

use crate::failure::Failure;
use crate::input::write_file;
use crate::output::{Output, cell};
use clap::{Args, ValueEnum};
use muster_domain::ApplicationId;
use name::Name;
use serde_json::json;
use std::path::{Path, PathBuf};
use template::Values;

/// The languages that there is an SDK for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Language {
    Rust,
    Python,
    Javascript,
}

#[derive(Debug, Args)]
pub(crate) struct New {
    /// The plug-in's name, such as `example-scanner`: lower-case letters, digits and hyphens. Its
    /// folder gets the same name, in the current one
    name: Name,
    /// The language that it is written in
    #[arg(long, value_enum, default_value = "rust", value_name = "LANGUAGE")]
    lang: Language,
    /// The application that it speaks for: a reverse domain name, which it keeps for good;
    /// org.example.NAME if left out
    #[arg(long, value_name = "ID")]
    application: Option<ApplicationId>,
    /// The SDK's folder. If left out, the one that this program was built beside; if that is not
    /// there, the published one
    #[arg(long, value_name = "FOLDER")]
    sdk: Option<PathBuf>,
}

impl New {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let folder = PathBuf::from(self.name.as_str());
        let application = match self.application {
            Some(application) => application,
            None => format!("org.example.{}", self.name.as_str())
                .parse()
                .map_err(|error| Failure::Usage(format!("the application's id: {error}")))?,
        };
        let sdk = sdk::Sdk::find(self.lang, self.sdk.as_deref())?;
        let values = Values {
            name: &self.name,
            application: application.as_str(),
            sdk: &sdk.dependency,
        };
        make(&folder, &template::files(self.lang, &values))?;
        if let Some(note) = &sdk.note {
            out.note(note);
        }
        let shown = folder.display().to_string();
        if out.is_json() {
            return out.json(&json!({
                "folder": shown, "application": application, "sdk": sdk.dependency,
            }));
        }
        out.fields(vec![
            ("made", cell(&shown)),
            ("application", cell(application.to_string())),
            ("next", cell(format!("cd {shown} && {}", self.lang.next()))),
        ])
    }
}

impl Language {
    /// What comes next, in the project's folder.
    fn next(self) -> &'static str {
        match self {
            Self::Rust => "muster plugin build",
            Self::Python => {
                "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt && muster plugin build"
            }
            Self::Javascript => "npm install && muster plugin build",
        }
    }
}

/// Writes a new folder. What is there is never touched.
fn make(folder: &Path, files: &[(PathBuf, String)]) -> Result<(), Failure> {
    let failed = |at: &Path, cause: std::io::Error| {
        Failure::Usage(format!("cannot make {}: {cause}", at.display()))
    };
    std::fs::create_dir(folder).map_err(|cause| {
        if cause.kind() == std::io::ErrorKind::AlreadyExists {
            let text = format!(
                "{} is there already, and nothing is written over: choose another name, or another folder to be in",
                folder.display()
            );
            return Failure::Usage(text);
        }
        failed(folder, cause)
    })?;
    for (path, text) in files {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|cause| failed(parent, cause))?;
        }
        write_file(&path, text.as_bytes(), 0o644)?;
    }
    Ok(())
}
