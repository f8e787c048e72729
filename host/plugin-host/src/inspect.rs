//! Looks into a component before the engine does: is it one, what is it made of, what does it
//! import and export? `load` goes on with it.

use crate::capability::data::{DataError, DataPlaces};
use crate::capability::log::cut;
use crate::v1::{self, Offered};
use muster_domain::grant::Capability;
use std::collections::BTreeMap;
use wasmparser::{ComponentExternalKind, ComponentType, Parser, Payload, Validator, WasmFeatures};

/// Why a file is no component that the engine may see.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InspectError {
    /// It does not begin as WebAssembly does.
    #[error(
        "it is no WebAssembly component: it begins with {begins:?}; a plug-in is a .wasm file as `cargo build --target wasm32-wasip2` makes it"
    )]
    NotWasm {
        /// Its first bytes, as text.
        begins: String,
    },
    /// A core module, not a component.
    #[error(
        "it is a core WebAssembly module, not a component; build it for the target wasm32-wasip2, or encode it by `wasm-tools component new`"
    )]
    CoreModule,
    /// It ends too early, or is damaged.
    #[error("it is cut short or damaged at byte {offset}: {text}")]
    Damaged {
        /// Where.
        offset: usize,
        /// What the parser says.
        text: String,
    },
    /// It is larger than a component may be.
    #[error("it is larger than {} MiB, the most that is taken (plug-ins.component-size)", limit >> 20)]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// It has more of something than a component may have.
    #[error("it has more than {limit} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// It imports something that no plug-in gets.
    #[error(
        "it imports {0}, which this server does not offer; a plug-in may import log and data of muster:plugin@1, and the capabilities files, clock and random"
    )]
    ForeignImport(String),
    /// It does not export what a plug-in has.
    #[error(
        "it does not export {missing}; it exports {exports}. A management plug-in is built for a world of muster:plugin@1"
    )]
    OtherWorld {
        /// The export that is missing.
        missing: &'static str,
        /// The exports that it has, or "nothing".
        exports: String,
    },
    /// It defines resource types of its own.
    #[error("it defines a resource type; the contract with plug-ins has none")]
    Resource,
    /// The data files that come with it cannot be taken.
    #[error(transparent)]
    Data(#[from] DataError),
}

/// What there is to know of a component before it is asked.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Inspected {
    /// The capabilities that it imports, with the import's name.
    pub(crate) capabilities: BTreeMap<Capability, String>,
    /// Its data files.
    pub(crate) data: DataPlaces,
}

/// Components within components: compilers put in one or two small ones.
const MOST_COMPONENTS: usize = 16;
/// Core modules.
const MOST_MODULES: usize = 128;
/// Sections, custom ones included.
const MOST_SECTIONS: usize = 20_000;
/// Functions, over all core modules: the largest interpreters have tens of thousands.
const MOST_FUNCTIONS: usize = 100_000;
/// Imports, or exports, of the component itself.
const MOST_NAMES: usize = 200;
/// Levels of nesting.
const MOST_LEVELS: usize = 6;

/// What a plug-in exports at least.
const REQUIRED: [&str; 3] = [
    "muster:plugin/describe@1",
    "muster:plugin/validate@1",
    "muster:plugin/translate@1",
];

/// What of WebAssembly a plug-in may be made of: the engine's settings say the same.
fn features() -> WasmFeatures {
    WasmFeatures::WASM2
        | WasmFeatures::EXTENDED_CONST
        | WasmFeatures::COMPONENT_MODEL
        | WasmFeatures::CALL_INDIRECT_OVERLONG
        | WasmFeatures::BULK_MEMORY_OPT
}

/// Looks into a component: is it one, is it within bounds, what does it import and export? The
/// bodies of its functions are left to the compiler.
pub(crate) fn inspect(component: &[u8], most: usize) -> Result<Inspected, InspectError> {
    if component.len() > most {
        return Err(InspectError::TooLarge { limit: most });
    }
    check_kind(component)?;
    let mut look = Look::default();
    let mut validator = Validator::new_with_features(features());
    for payload in Parser::new(0).parse_all(component) {
        let payload = payload.map_err(|error| damaged(&error))?;
        look.at(&payload)?;
        validator
            .payload(&payload)
            .map_err(|error| damaged(&error))?;
    }
    look.verdict()
}

fn check_kind(component: &[u8]) -> Result<(), InspectError> {
    if !component.starts_with(b"\0asm") {
        // An empty file, or the first bytes of a component, is one that was cut short.
        if b"\0asm".starts_with(component) {
            return Err(InspectError::Damaged {
                offset: component.len(),
                text: "unexpected end".to_owned(),
            });
        }
        let begins = component.get(..16).unwrap_or(component);
        return Err(InspectError::NotWasm {
            begins: String::from_utf8_lossy(begins).into_owned(),
        });
    }
    if Parser::is_core_wasm(component) {
        return Err(InspectError::CoreModule);
    }
    Ok(())
}

fn damaged(error: &wasmparser::BinaryReaderError) -> InspectError {
    InspectError::Damaged {
        offset: error.offset(),
        text: cut(error.message(), 500).to_owned(),
    }
}

/// What was seen so far.
#[derive(Default)]
struct Look {
    level: usize,
    sections: usize,
    components: usize,
    modules: usize,
    functions: usize,
    imports: Vec<String>,
    exports: Vec<String>,
    data: DataPlaces,
}

impl Look {
    fn at(&mut self, payload: &Payload<'_>) -> Result<(), InspectError> {
        if matches!(payload, Payload::CodeSectionEntry(_)) {
            return count(&mut self.functions, MOST_FUNCTIONS, "functions");
        }
        count(&mut self.sections, MOST_SECTIONS, "sections")?;
        match payload {
            // The component itself is the first level.
            Payload::Version { .. } => {
                self.level += 1;
                if self.level > MOST_LEVELS {
                    return Err(InspectError::TooMany {
                        what: "levels of components",
                        limit: MOST_LEVELS,
                    });
                }
            }
            Payload::End(_) => self.level = self.level.saturating_sub(1),
            Payload::ComponentSection { .. } => count(
                &mut self.components,
                MOST_COMPONENTS,
                "components within it",
            )?,
            Payload::ModuleSection { .. } => {
                count(&mut self.modules, MOST_MODULES, "core modules")?;
            }
            Payload::CustomSection(section) => {
                self.data
                    .see(section.name(), section.data_offset()..section.range().end)?;
            }
            Payload::ComponentTypeSection(types) => {
                for ty in types.clone() {
                    if matches!(
                        ty.map_err(|error| damaged(&error))?,
                        ComponentType::Resource { .. }
                    ) {
                        return Err(InspectError::Resource);
                    }
                }
            }
            Payload::ComponentImportSection(imports) if self.level == 1 => {
                for import in imports.clone() {
                    let import = import.map_err(|error| damaged(&error))?;
                    keep(&mut self.imports, import.name.name, "imports")?;
                }
            }
            Payload::ComponentExportSection(exports) if self.level == 1 => {
                for export in exports.clone() {
                    let export = export.map_err(|error| damaged(&error))?;
                    if export.kind == ComponentExternalKind::Instance {
                        keep(&mut self.exports, export.name.name, "exports")?;
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn verdict(self) -> Result<Inspected, InspectError> {
        // A component of another world imports and exports other things; the export says more.
        for missing in REQUIRED {
            let is_there = |export: &String| {
                export
                    .strip_prefix(missing)
                    .is_some_and(|rest| rest.starts_with('.'))
            };
            if !self.exports.iter().any(is_there) {
                let exports = if self.exports.is_empty() {
                    "nothing".to_owned()
                } else {
                    self.exports.join(", ")
                };
                return Err(InspectError::OtherWorld {
                    missing,
                    exports: cut(&exports, 1000).to_owned(),
                });
            }
        }
        let mut capabilities = BTreeMap::new();
        for import in self.imports {
            match v1::offers(&import) {
                Some(Offered::ToAll) => {}
                Some(Offered::IfGranted(capability)) => {
                    capabilities.insert(capability, import);
                }
                None => return Err(InspectError::ForeignImport(cut(&import, 200).to_owned())),
            }
        }
        Ok(Inspected {
            capabilities,
            data: self.data,
        })
    }
}

fn count(counter: &mut usize, limit: usize, what: &'static str) -> Result<(), InspectError> {
    *counter += 1;
    if *counter > limit {
        Err(InspectError::TooMany { what, limit })
    } else {
        Ok(())
    }
}

fn keep(names: &mut Vec<String>, name: &str, what: &'static str) -> Result<(), InspectError> {
    if names.len() >= MOST_NAMES {
        return Err(InspectError::TooMany {
            what,
            limit: MOST_NAMES,
        });
    }
    names.push(name.to_owned());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(wat: &str) -> InspectError {
        inspect(&wat::parse_str(wat).unwrap(), 1 << 20).unwrap_err()
    }

    #[test]
    fn what_is_no_component_is_told_apart() {
        let of = |bytes: &[u8]| inspect(bytes, 64).unwrap_err();
        assert!(
            matches!(of(b"#!/bin/sh\n"), InspectError::NotWasm { begins } if begins.starts_with("#!"))
        );
        assert_eq!(of(b"\0asm\x01\0\0\0"), InspectError::CoreModule);
        assert!(matches!(of(b""), InspectError::Damaged { offset: 0, .. }));
        assert!(matches!(
            of(b"\0as"),
            InspectError::Damaged { offset: 3, .. }
        ));
        assert!(matches!(
            of(b"\0asm\x0d\0\x01\0\x07\xff"),
            InspectError::Damaged { .. }
        ));
        assert_eq!(of(&[0; 65]), InspectError::TooLarge { limit: 64 });
    }

    #[test]
    fn the_world_and_its_imports_are_ours() {
        assert!(
            matches!(of("(component)"), InspectError::OtherWorld { missing, exports }
            if missing == REQUIRED[0] && exports == "nothing")
        );
        let two_of_three = r#"(component
            (instance $i) (export "muster:plugin/describe@1.0.0" (instance $i))
            (export "muster:plugin/translate@1.7.0" (instance $i)))"#;
        assert!(
            matches!(of(two_of_three), InspectError::OtherWorld { missing, .. } if missing == REQUIRED[1])
        );
        let foreign = r#"(component
            (import "muster:plugin/log@1.0.0" (instance)) (import "wasi:cli/environment@0.2.3" (instance))
            (import "evil:corp/exec@1.0.0" (instance)) (instance $i)
            (export "muster:plugin/describe@1.0.0" (instance $i))
            (export "muster:plugin/validate@1.0.0" (instance $i))
            (export "muster:plugin/translate@1.0.0" (instance $i)))"#;
        assert_eq!(
            of(foreign),
            InspectError::ForeignImport("evil:corp/exec@1.0.0".into())
        );
    }

    #[test]
    fn resources_and_nests_are_refused() {
        assert_eq!(
            of("(component (type (resource (rep i32))))"),
            InspectError::Resource
        );
        assert_eq!(
            of("(component (component (type (resource (rep i32)))))"),
            InspectError::Resource
        );
        let nest = format!("{}{}", "(component ".repeat(8), ")".repeat(8));
        assert!(matches!(
            of(&nest),
            InspectError::TooMany {
                what: "levels of components",
                ..
            }
        ));
        let many = format!("(component {})", "(component)".repeat(17));
        assert!(matches!(
            of(&many),
            InspectError::TooMany {
                what: "components within it",
                ..
            }
        ));
        let many = format!("(component {})", "(core module)".repeat(129));
        assert!(matches!(
            of(&many),
            InspectError::TooMany {
                what: "core modules",
                ..
            }
        ));
    }

    #[test]
    fn proposals_that_are_off_are_refused() {
        for (proposal, module) in [
            ("threads", "(memory 1 1 shared)"),
            ("memory64", "(memory i64 1)"),
            ("multi-memory", "(memory 1) (memory 1)"),
            ("exceptions", "(tag)"),
            ("gc", "(type (struct))"),
        ] {
            let found = of(&format!("(component (core module {module}))"));
            assert!(
                matches!(found, InspectError::Damaged { .. }),
                "{proposal}: {found}"
            );
        }
    }
}
