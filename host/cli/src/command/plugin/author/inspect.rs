//! `muster plugin inspect`: what a component is made of, and what it says of itself.

use super::engine::Engine;
use crate::command::plugin::release::files::release;
use crate::command::settings::fields;
use crate::failure::Failure;
use crate::input::Source;
use crate::output::{Output, Tint, cell, number, word};
use clap::Args;
use muster_domain::Digest;
use muster_domain::application::Description;
use muster_plugin_component::Anatomy;
use muster_release::bundle::{Bundle, SignatureFile};
use muster_release::statement::Statement;
use serde_json::{Value, json};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// The component, or a bundle with one
    file: PathBuf,
}

/// All that there is to tell.
struct Found {
    size: usize,
    digest: Digest,
    anatomy: Anatomy,
    /// What it says of itself, or why a server would not take it.
    described: Result<Description, Failure>,
    statement: Option<Result<Statement, String>>,
    signatures: Vec<String>,
}

impl Inspect {
    pub(super) fn run(self, out: &Output) -> Result<(), Failure> {
        let bundle = release(&Source::File(self.file.clone()))?;
        let anatomy = Anatomy::read(&bundle.component)
            .map_err(|error| Failure::Usage(format!("{}: {error}", self.file.display())))?;
        let engine = Engine::start()?;
        let described = engine.open_bytes(bundle.component.clone());
        let found = Found {
            size: bundle.component.len(),
            digest: bundle.digest(),
            anatomy,
            described: described.map(|guest| guest.description().clone()),
            statement: bundle
                .statement
                .as_deref()
                .map(|bytes| Statement::parse(bytes).map_err(|error| error.to_string())),
            signatures: signatures(&bundle),
        };
        if out.is_json() {
            out.json(&found.json())?;
        } else {
            found.tell(out)?;
        }
        found.described.map(|_| ())
    }
}

/// Who is said to have signed. Nothing is verified here.
fn signatures(bundle: &Bundle) -> Vec<String> {
    let each = bundle.signatures.iter().map(|signature| {
        let kind = word(&signature.kind);
        match SignatureFile::signer(signature) {
            Some(signer) => format!("{kind}, key {signer}"),
            None => kind,
        }
    });
    each.collect()
}

impl Found {
    fn json(&self) -> Value {
        let statement = self.statement.as_ref().map(|statement| match statement {
            Ok(statement) => json!(statement),
            Err(why) => json!({ "unreadable": why }),
        });
        json!({
            "digest": self.digest,
            "size": self.size,
            "component": self.anatomy,
            "description": self.described.as_ref().ok(),
            "refused": self.described.as_ref().err().map(|why| muster_domain::chain(why)),
            "statement": statement,
            "signatures": self.signatures,
        })
    }

    fn tell(&self, out: &Output) -> Result<(), Failure> {
        let mut fields = vec![
            ("digest", cell(self.digest.to_string())),
            ("size", cell(format!("{} KiB", self.size.div_ceil(1024)))),
            ("contract", self.contract()),
        ];
        let made = self.anatomy.producers.iter();
        let made: Vec<String> = made
            .map(|one| format!("{} {}", one.name, one.version).trim().to_owned())
            .collect();
        fields.push(("made with", cell(made.join(", "))));
        let annotations = self.anatomy.annotations.iter();
        fields.extend(annotations.map(|one| (one.name.as_str(), cell(one.text.clone()))));
        fields.push((
            "names",
            cell(if self.anatomy.names {
                "kept: a trap is told with the functions that led to it"
            } else {
                "stripped: `muster plugin build --names` keeps them"
            }),
        ));
        fields.extend(self.signed());
        if let Ok(description) = &self.described {
            fields.extend(said(description));
        }
        out.fields(fields)?;
        self.tables(out)
    }

    fn contract(&self) -> crate::output::Cell {
        match &self.anatomy.contract {
            Some(version) => cell(format!("muster:plugin@{version}")),
            None => cell("none: it exports nothing of muster:plugin").tint(Tint::Bad),
        }
    }

    fn signed(&self) -> Vec<(&'static str, crate::output::Cell)> {
        let mut fields = Vec::new();
        match &self.statement {
            None => fields.push(("statement", cell("none beside it"))),
            Some(Err(why)) => fields.push(("statement", cell(why.clone()).tint(Tint::Bad))),
            Some(Ok(statement)) => {
                let text = format!("{} {}", statement.application, statement.version);
                let of_another = statement.digest != self.digest;
                fields.push((
                    "statement",
                    if of_another {
                        cell(format!("{text}, of another component")).tint(Tint::Bad)
                    } else {
                        cell(text)
                    },
                ));
            }
        }
        let by = self.signatures.iter();
        fields.extend(by.map(|by| {
            (
                "signature",
                cell(format!("{by}; `muster plugin verify` checks it")),
            )
        }));
        fields
    }

    fn tables(&self, out: &Output) -> Result<(), Failure> {
        let names = |what: &str, names: &[String]| {
            let rows = names.iter().map(|name| vec![cell(name.clone())]).collect();
            out.whole("")?;
            out.table(&[what], rows, "")
        };
        if !self.anatomy.imports.is_empty() {
            names("IMPORTS", &self.anatomy.imports)?;
        }
        names("EXPORTS", &self.anatomy.exports)?;
        out.whole("")?;
        let rows = self.anatomy.sections.iter().map(|section| {
            let share = section.bytes * 100 / self.size.max(1);
            vec![
                cell(section.section.clone()),
                number(section.bytes as u64),
                cell(format!("{share} %")),
            ]
        });
        out.table(&["SECTION", "BYTES", "SHARE"], rows.collect(), "")?;
        if !self.anatomy.data_files.is_empty() {
            out.whole("")?;
            let files = self.anatomy.data_files.iter();
            let rows = files.map(|file| vec![cell(file.name.clone()), number(file.bytes as u64)]);
            out.table(&["DATA FILE", "BYTES"], rows.collect(), "")?;
        }
        let Ok(description) = &self.described else {
            return Ok(());
        };
        out.whole("")?;
        let rows = description.task_types.iter().map(|task_type| {
            vec![
                cell(task_type.id.as_str()),
                cell(task_type.title.clone()),
                number(fields(&task_type.settings_schema).len() as u64),
                number(task_type.schema_version),
                number(task_type.examples.len() as u64),
                number(task_type.event_types.len() as u64),
            ]
        });
        let header = [
            "TASK TYPE",
            "TITLE",
            "SETTINGS",
            "SCHEMA",
            "EXAMPLES",
            "EVENTS",
        ];
        out.table(&header, rows.collect(), "")
    }
}

/// What a plug-in says of itself.
fn said(description: &Description) -> Vec<(&'static str, crate::output::Cell)> {
    let mut fields = vec![
        ("application", cell(description.application.to_string())),
        ("name", cell(description.name.clone())),
        ("vendor", cell(description.vendor.clone())),
        ("version", cell(description.version.to_string())),
        ("manages", cell(description.manages.to_string())),
    ];
    let capabilities = description.capabilities.iter();
    fields.extend(capabilities.map(|asked| {
        (
            "asks for",
            cell(format!("{}: {}", asked.name, asked.reason)),
        )
    }));
    let limits = description.limits.iter();
    fields.extend(limits.map(|asked| {
        let (limit, unit) = (asked.limit, asked.limit.unit());
        (
            "asks for",
            cell(format!("{limit} {} {unit}: {}", asked.value, asked.reason)),
        )
    }));
    fields
}
