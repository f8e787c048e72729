//! Deliveries as files: what a device reported and what a plug-in was asked, for the plug-in's author.

use super::Context;
use super::device::find;
use crate::client::{Query, path};
use crate::command::help;
use crate::failure::Failure;
use crate::input::write_file;
use clap::{Args, Subcommand, ValueEnum};
use muster_api::plugin::call::PluginCallView;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

#[derive(Debug, Subcommand)]
pub(crate) enum Delivery {
    /// Write what a device reported, with the settings that it worked by, for the plug-in's author
    #[command(after_help = help::EXPORT_REPORT)]
    ExportReport(ExportReport),
    /// Write what the plug-in was asked about a delivery, for its author to ask the same
    #[command(after_help = help::EXPORT_CALL)]
    ExportCall(ExportCall),
}

#[derive(Debug, Args)]
pub(crate) struct Which {
    /// The run's number
    run: i64,
    /// The device, by number or name
    device: String,
    /// Write to this file; to standard output if left out
    #[arg(long, short)]
    file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ExportReport {
    #[command(flatten)]
    which: Which,
    /// Write a case in place of a file: a new folder for `muster plugin test`
    #[arg(long, value_name = "FOLDER", conflicts_with = "file")]
    case: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ExportCall {
    #[command(flatten)]
    which: Which,
    /// Which call
    #[arg(long, value_enum, default_value = "translate", value_name = "FUNCTION")]
    function: Function,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Function {
    /// It made the device's command
    Translate,
    /// It said what the device's report means
    Interpret,
}

impl Delivery {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::ExportReport(ExportReport { which, case: None }) => {
                which.export(context, "interpret").await
            }
            Self::ExportReport(ExportReport {
                which,
                case: Some(folder),
            }) => which.case(context, &folder).await,
            Self::ExportCall(ExportCall { which, function }) => {
                let function = match function {
                    Function::Translate => "translate",
                    Function::Interpret => "interpret",
                };
                which.export(context, function).await
            }
        }
    }
}

impl Which {
    async fn export(&self, context: &Context, function: &str) -> Result<(), Failure> {
        let (raw, call) = self.call(context, function).await?;
        let Some(file) = &self.file else {
            return context.out.json(&raw);
        };
        write_file(file, format!("{raw:#}\n").as_bytes(), 0o644)?;
        context.out.note(&format!(
            "Wrote a call of {}, version {}, to {}: `muster plugin run FILE.wasm --replay {}` makes it again.",
            call.application,
            call.version,
            file.display(),
            file.display()
        ));
        Ok(())
    }

    /// Writes settings, profile and report as a case whose answers are to be written yet.
    async fn case(&self, context: &Context, folder: &Path) -> Result<(), Failure> {
        let (_, call) = self.call(context, "interpret").await?;
        let (_, translated) = self.call(context, "translate").await?;
        let Some(report) = call.reports.first() else {
            let text = "the settings could not be brought up to date, so nobody read the report; `muster delivery export-call` has that call";
            return Err(Failure::Refused(text.to_owned()));
        };
        let mut task = json!({ "task-type": call.task_type, "settings": call.settings });
        if let (Some(task), Some(profile)) = (task.as_object_mut(), translated.profiles.first()) {
            task.insert("profile".to_owned(), in_a_case(profile));
        }
        std::fs::create_dir(folder).map_err(|cause| {
            Failure::Usage(format!(
                "cannot make the folder {}: {cause}",
                folder.display()
            ))
        })?;
        for (name, value) in [("task.json", &task), ("report.json", report)] {
            write_file(&folder.join(name), format!("{value:#}\n").as_bytes(), 0o644)?;
        }
        context.out.note(&format!(
            "Wrote the case {}: `muster plugin test FILE.wasm --update` adds the answers.",
            folder.display()
        ));
        Ok(())
    }

    async fn call(
        &self,
        context: &Context,
        function: &str,
    ) -> Result<(Value, PluginCallView), Failure> {
        let device = find(context, &self.device).await?.id.to_string();
        let at = path(&["runs", &self.run.to_string(), "deliveries", &device, "call"]);
        let query: Query<'_> = vec![("function", function.to_owned())];
        let answer = context.client.get(&at, &query).await?;
        let call: PluginCallView = answer.view()?;
        for place in &call.removed {
            context.out.note(&format!(
                "What stood at {place} was taken out: its schema says that it is secret."
            ));
        }
        if !call.pure {
            context.out.note(
                "This plug-in may use more than what it is asked, so it need not answer alike elsewhere.",
            );
        }
        Ok((answer.raw, call))
    }
}

/// A profile in the words of the contract, as cases have it.
fn in_a_case(profile: &Value) -> Value {
    let mut profile = profile.clone();
    if let Some(members) = profile.as_object_mut() {
        if let Some(version) = members.remove("application_version") {
            members.insert("application-version".to_owned(), version);
        }
        members.insert("devices".to_owned(), json!(1));
    }
    profile
}
