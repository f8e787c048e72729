//! What registries and other tools show of a component.

use crate::leb;
use crate::section::{Damaged, HEADER, sections, write_custom};

/// Texts about a component, as the OCI annotations of the same names have them. What is empty is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    /// The plug-in's own version.
    pub version: Option<String>,
    /// What it is, in a sentence.
    pub description: Option<String>,
    /// Who made it.
    pub authors: Option<String>,
    /// SPDX expression.
    pub licenses: Option<String>,
    /// Where its source is.
    pub source: Option<String>,
    /// Where one reads more.
    pub homepage: Option<String>,
    /// The program that made the component, and its version.
    pub made_by: Option<(String, String)>,
}

/// The names of the sections, in their order.
pub(crate) const NAMES: [&str; 6] = [
    "version",
    "description",
    "authors",
    "licenses",
    "source",
    "homepage",
];

/// The same component with these texts in it, in the place of those that it had.
pub fn annotate(component: &[u8], metadata: &Metadata) -> Result<Vec<u8>, Damaged> {
    let mut out = Vec::with_capacity(component.len() + 512);
    let found = sections(component)?;
    out.extend_from_slice(component.get(..HEADER).unwrap_or_default());
    let mut producers = Producers::default();
    for section in found {
        match section.name() {
            Some(name) if NAMES.contains(&name) => {}
            // There is one such section, so what the compiler wrote is gathered in it.
            Some("producers") if metadata.made_by.is_some() => producers.gather(section.data()),
            _ => section.write(&mut out, section.content),
        }
    }
    let texts = [
        &metadata.version,
        &metadata.description,
        &metadata.authors,
        &metadata.licenses,
        &metadata.source,
        &metadata.homepage,
    ];
    for (name, text) in NAMES.into_iter().zip(texts) {
        if let Some(text) = text.as_deref().filter(|text| !text.is_empty()) {
            write_custom(&mut out, name, text.as_bytes());
        }
    }
    if let Some((program, version)) = &metadata.made_by {
        producers.put("processed-by", program, version);
        write_custom(&mut out, "producers", &producers.encoded());
    }
    Ok(out)
}

/// Roles, and who had them, by name and version.
#[derive(Default)]
struct Producers(Vec<(String, Vec<(String, String)>)>);

impl Producers {
    /// Takes over what is there. A section that cannot be read says nothing.
    fn gather(&mut self, data: &[u8]) {
        let reader = wasmparser::BinaryReader::new(data, 0);
        let Ok(fields) = wasmparser::ProducersSectionReader::new(reader) else {
            return;
        };
        for field in fields.into_iter().map_while(Result::ok) {
            for value in field.values.into_iter().map_while(Result::ok) {
                self.put(field.name, value.name, value.version);
            }
        }
    }

    fn put(&mut self, role: &str, name: &str, version: &str) {
        let known = self.0.iter_mut().find(|(known, _)| known == role);
        let values = match known {
            Some((_, values)) => values,
            None => &mut self.0.push_mut((role.to_owned(), Vec::new())).1,
        };
        match values.iter_mut().find(|(known, _)| known == name) {
            Some(value) => version.clone_into(&mut value.1),
            None => values.push((name.to_owned(), version.to_owned())),
        }
    }

    fn encoded(&self) -> Vec<u8> {
        let mut out = Vec::new();
        leb::write(&mut out, self.0.len());
        for (role, values) in &self.0 {
            leb::write_text(&mut out, role);
            leb::write(&mut out, values.len());
            for (name, version) in values {
                leb::write_text(&mut out, name);
                leb::write_text(&mut out, version);
            }
        }
        out
    }
}
