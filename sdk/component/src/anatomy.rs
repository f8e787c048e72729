//! What a component is made of.

use crate::metadata::NAMES;
use serde::Serialize;
use std::collections::BTreeMap;
use wasmparser::{Encoding, KnownCustom, Parser, Payload};

/// How many of each kind of thing are read; the rest is left out.
const MOST: usize = 1_000;

/// A component, looked at from outside.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Anatomy {
    /// What it imports, by the full names.
    pub imports: Vec<String>,
    /// What it exports.
    pub exports: Vec<String>,
    /// The version of `muster:plugin` that it was built for.
    pub contract: Option<String>,
    /// Core modules in it, those of components within it included.
    pub modules: usize,
    /// Functions over all modules.
    pub functions: usize,
    /// Bytes by what they are for, the most first; they add up to the file.
    pub sections: Vec<SectionSize>,
    /// Whether its functions have names, so that a trap can be told with them.
    pub names: bool,
    /// Data files that come with it.
    pub data_files: Vec<DataFile>,
    /// Texts for registries.
    pub annotations: Vec<Annotation>,
    /// What it was made with.
    pub producers: Vec<Producer>,
}

/// Bytes of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SectionSize {
    /// `code`, `data`, or `custom NAME`.
    pub section: String,
    /// How many, with the few that say where a section ends.
    pub bytes: usize,
}

/// A file that comes with a plug-in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DataFile {
    /// Its name.
    pub name: String,
    /// Its size.
    pub bytes: usize,
}

/// A text for registries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Annotation {
    /// `version`, `authors`, …
    pub name: String,
    /// The text.
    pub text: String,
}

/// Something that a component was made with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Producer {
    /// `language`, `processed-by`, `sdk`.
    pub role: String,
    /// Such as `Rust`.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// A component that the parser does not understand, with its words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is no WebAssembly component, or is damaged: {0}")]
pub struct NotUnderstood(String);

impl Anatomy {
    /// Reads a component. It need not be a plug-in; a core module is read as well.
    pub fn read(component: &[u8]) -> Result<Self, NotUnderstood> {
        let mut reader = Reader::default();
        for payload in Parser::new(0).parse_all(component) {
            let payload = payload.map_err(|error| NotUnderstood(error.to_string()))?;
            reader
                .at(&payload)
                .map_err(|error| NotUnderstood(error.to_string()))?;
        }
        Ok(reader.done(component.len()))
    }
}

#[derive(Default)]
struct Reader {
    /// Whether each level that is open is a component.
    levels: Vec<bool>,
    sizes: BTreeMap<String, usize>,
    found: Anatomy,
}

impl Reader {
    fn at(&mut self, payload: &Payload<'_>) -> Result<(), wasmparser::BinaryReaderError> {
        match payload {
            Payload::Version { encoding, .. } => {
                self.levels.push(*encoding == Encoding::Component);
                self.found.modules += usize::from(*encoding == Encoding::Module);
            }
            Payload::End(_) => {
                self.levels.pop();
            }
            Payload::CodeSectionEntry(_) => self.found.functions += 1,
            Payload::ComponentImportSection(imports) if self.levels.len() == 1 => {
                for import in imports.clone() {
                    keep(&mut self.found.imports, import?.name.name);
                }
            }
            Payload::ComponentExportSection(exports) if self.levels.len() == 1 => {
                for export in exports.clone() {
                    keep(&mut self.found.exports, export?.name.name);
                }
            }
            Payload::CustomSection(section) => self.custom(section),
            _ => {}
        }
        let in_component = self.levels.last().copied().unwrap_or_default();
        if let Some((id, range)) = payload.as_section() {
            let kind = match payload {
                Payload::CustomSection(section) => format!("custom {}", short(section.name())),
                // Their sections are counted themselves.
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => return Ok(()),
                _ if in_component => "component (types, adapters)".to_owned(),
                _ => core_section(id).to_owned(),
            };
            *self.sizes.entry(kind).or_default() += range.len();
        }
        Ok(())
    }

    fn custom(&mut self, section: &wasmparser::CustomSectionReader<'_>) {
        let name = section.name();
        if let Some(file) = name.strip_prefix("muster:data/") {
            if self.found.data_files.len() < MOST {
                self.found.data_files.push(DataFile {
                    name: file.to_owned(),
                    bytes: section.data().len(),
                });
            }
        } else if NAMES.contains(&name) && self.levels.len() == 1 {
            self.found.annotations.push(Annotation {
                name: name.to_owned(),
                text: String::from_utf8_lossy(section.data()).into_owned(),
            });
        }
        match section.as_known() {
            KnownCustom::Name(_) => self.found.names = true,
            KnownCustom::Producers(fields) => {
                // A list that cannot be read says nothing of the component.
                for field in fields.into_iter().map_while(Result::ok) {
                    for value in field.values.into_iter().map_while(Result::ok) {
                        let producer = Producer {
                            role: field.name.to_owned(),
                            name: value.name.to_owned(),
                            version: value.version.to_owned(),
                        };
                        if self.found.producers.len() < MOST {
                            self.found.producers.push(producer);
                        }
                    }
                }
            }
            _ => {}
        }
    }

    fn done(self, size: usize) -> Anatomy {
        let mut found = self.found;
        found.producers.sort();
        found.producers.dedup();
        found.data_files.sort_by(|a, b| a.name.cmp(&b.name));
        let contract = found.exports.iter().find_map(|export| {
            let name = export.strip_prefix("muster:plugin/")?;
            Some(name.split_once('@')?.1.to_owned())
        });
        found.contract = contract;
        let counted: usize = self.sizes.values().sum();
        let mut sizes = self.sizes;
        sizes.insert("headers".to_owned(), size.saturating_sub(counted));
        found.sections = sizes
            .into_iter()
            .map(|(section, bytes)| SectionSize { section, bytes })
            .collect();
        found.sections.sort_by(|a, b| {
            b.bytes
                .cmp(&a.bytes)
                .then_with(|| a.section.cmp(&b.section))
        });
        found
    }
}

fn keep(names: &mut Vec<String>, name: &str) {
    if names.len() < MOST {
        names.push(name.to_owned());
    }
}

/// Names are the author's; those of data files would each be a line.
fn short(name: &str) -> &str {
    if name.starts_with("muster:data/") {
        "muster:data"
    } else {
        name
    }
}

fn core_section(id: u8) -> &'static str {
    match id {
        1 => "types",
        2 => "imports",
        3 => "functions",
        4 => "tables",
        5 => "memory",
        6 => "globals",
        7 => "exports",
        8 => "start",
        9 => "elements",
        10 => "code",
        11 | 12 => "data",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Metadata, annotate};

    const COMPONENT: &str = r#"(component
        (import "muster:plugin/log@1.0.0" (instance))
        (@custom "muster:data/b.txt" "data")
        (core module $m (memory 1) (data (i32.const 0) "twelve bytes") (func $f) (func $g))
        (instance $i)
        (export "muster:plugin/describe@1.2.0" (instance $i)))"#;

    #[test]
    fn a_component_is_read() {
        let bytes = wat::parse_str(COMPONENT).unwrap();
        let found = Anatomy::read(&bytes).unwrap();
        assert_eq!(found.imports, ["muster:plugin/log@1.0.0"]);
        assert_eq!(found.exports, ["muster:plugin/describe@1.2.0"]);
        assert_eq!(found.contract.as_deref(), Some("1.2.0"));
        assert_eq!((found.modules, found.functions, found.names), (1, 2, true));
        let files: Vec<_> = found
            .data_files
            .iter()
            .map(|file| (&*file.name, file.bytes))
            .collect();
        assert_eq!(files, [("b.txt", 4)]);
        let all: usize = found.sections.iter().map(|section| section.bytes).sum();
        assert_eq!(all, bytes.len());
        assert!(
            found
                .sections
                .iter()
                .any(|section| section.section == "data" && section.bytes > 12)
        );
    }

    #[test]
    fn what_was_annotated_is_read_and_is_annotated_anew() {
        let bytes = wat::parse_str(COMPONENT).unwrap();
        let metadata = |version: &str| Metadata {
            version: Some(version.into()),
            licenses: Some("Apache-2.0".into()),
            made_by: Some(("muster".into(), "0.1.0".into())),
            ..Metadata::default()
        };
        let once = annotate(&bytes, &metadata("1.0.0")).unwrap();
        let twice = annotate(&once, &metadata("1.1.0")).unwrap();
        wasmparser::Validator::new().validate_all(&twice).unwrap();
        let found = Anatomy::read(&twice).unwrap();
        let texts: Vec<_> = found
            .annotations
            .iter()
            .map(|one| format!("{} {}", one.name, one.text))
            .collect();
        assert_eq!(texts, ["version 1.1.0", "licenses Apache-2.0"]);
        assert_eq!(found.producers.len(), 1, "{:?}", found.producers);
    }

    #[test]
    fn what_is_no_component_is_told() {
        assert!(Anatomy::read(b"#!/bin/sh").is_err());
    }
}
