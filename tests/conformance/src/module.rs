//! Guests as core modules in text, for what no Rust program does: each is a small plug-in that is
//! well but for the parts that are said otherwise.

use anyhow::{Context, Result};
use std::fmt::Write as _;
use std::path::Path;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// Where the data begins.
const BASE: u32 = 1024;
/// Zeros: what is read here is "all is well", or an empty list.
pub const WELL: &str = "(i32.const 16)";

/// A module of the contract's world. Parts are WebAssembly text.
#[derive(Debug, Clone)]
pub struct Module {
    /// Fields of the module beside those below.
    pub more: String,
    /// The memory.
    pub memory: String,
    /// Body of `cabi_realloc` (old pointer, old size, alignment, new size), which gives a pointer.
    pub realloc: String,
    /// Body of `describe`, which gives a pointer to the description; by default a good one.
    pub describe: Option<String>,
    /// Body of `validate`, which gives a pointer to the result.
    pub validate: String,
    /// Body of what is called after the answer of `validate` was read.
    pub after_validate: Option<String>,
    /// Body of `translate`.
    pub translate: String,
}

impl Default for Module {
    fn default() -> Self {
        Self {
            more: String::new(),
            memory: r#"(memory (export "memory") 2)"#.into(),
            realloc: "(global.set $heap (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
                (global.get $heap)
                (global.set $heap (i32.add (global.get $heap) (local.get 3)))"
                .into(),
            describe: None,
            validate: WELL.into(),
            after_validate: None,
            translate: WELL.into(),
        }
    }
}

impl Module {
    /// The whole as a component.
    pub fn component(&self) -> Result<Vec<u8>> {
        let text = self.text();
        let mut module = wat::parse_str(&text).with_context(|| format!("no module: {text}"))?;
        let mut resolve = Resolve::default();
        let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit/v1");
        let (package, _) = resolve.push_dir(&wit)?;
        let world = resolve.select_world(&[package], Some("management-plugin"))?;
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false)?;
        ComponentEncoder::default().module(&module)?.encode()
    }

    fn text(&self) -> String {
        let mut data = Data::new();
        let description = data.description();
        let describe = self
            .describe
            .clone()
            .unwrap_or_else(|| format!("(i32.const {description})"));
        let after = self.after_validate.as_ref().map_or_else(String::new, |body| {
            format!(r#"(func (export "cabi_post_muster:plugin/validate@1.0.0#validate") (param i32) {body})"#)
        });
        format!(
            r#"(module
    (import "muster:plugin/log@1.0.0" "log" (func $log (param i32 i32 i32)))
    {memory}
    (global $heap (mut i32) (i32.const 65536))
    (data (i32.const {BASE}) "{bytes}")
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) {realloc})
    (func (export "muster:plugin/describe@1.0.0#describe") (result i32) {describe})
    (func (export "muster:plugin/validate@1.0.0#validate") (param i32 i32 i32 i32) (result i32) {validate})
    (func (export "muster:plugin/translate@1.0.0#translate") (param i32 i32 i32 i32 i32 i32) (result i32) {translate})
    {after}
    {more}
)"#,
            memory = self.memory,
            bytes = data.escaped(),
            realloc = self.realloc,
            validate = self.validate,
            translate = self.translate,
            more = self.more,
        )
    }
}

/// Data of a module, in the layout of the canonical ABI.
struct Data(Vec<u8>);

/// A pointer and a length, as strings and lists are.
type Slice = (u32, u32);

impl Data {
    fn new() -> Self {
        Self(Vec::new())
    }

    fn put(&mut self, bytes: &[u8]) -> u32 {
        while !self.0.len().is_multiple_of(4) {
            self.0.push(0);
        }
        let at = self.end();
        self.0.extend_from_slice(bytes);
        at
    }

    fn end(&self) -> u32 {
        BASE.saturating_add(u32::try_from(self.0.len()).unwrap_or(u32::MAX))
    }

    fn string(&mut self, text: &str) -> Slice {
        let at = self.put(text.as_bytes());
        (at, self.end() - at)
    }

    /// A description with one task type, `act`, whose settings are those of the Rust guest.
    fn description(&mut self) -> u32 {
        let example = [self.string("Nothing"), self.string("{}")];
        let example = self.put(&words(&example));
        let kinds = self.put(&[1, 2]);
        let texts = ["act", "Act", "Does what the settings say."].map(|text| self.string(text));
        let schema = self.string(r#"{"type": "object", "properties": {"do": {"type": "string"}}}"#);
        let mut task_type = words(&[texts.as_slice(), &[(kinds, 2), schema]].concat());
        task_type.extend(1_u32.to_le_bytes());
        task_type.extend(words(&[(example, 1), (0, 0)]));
        // What it needs: running, the first; three bytes to the next list.
        task_type.extend([0; 4]);
        task_type.extend(words(&[(0, 0)]));
        task_type.extend(60_u32.to_le_bytes());
        task_type.extend(words(&[(0, 0), (0, 0)]));
        let task_type = self.put(&task_type);
        let texts = ["org.example.module", "Module", "Example", "1.0.0", "*"];
        let texts = texts.map(|text| self.string(text));
        let lists = [(0, 0), (0, 0), (task_type, 1), (0, 0)];
        self.put(&words(&[texts.as_slice(), &lists].concat()))
    }

    fn escaped(&self) -> String {
        let mut text = String::new();
        for byte in &self.0 {
            // Writing to a string cannot fail.
            let _ = write!(text, "\\{byte:02x}");
        }
        text
    }
}

fn words(slices: &[Slice]) -> Vec<u8> {
    slices
        .iter()
        .flat_map(|(at, length)| [at.to_le_bytes(), length.to_le_bytes()])
        .flatten()
        .collect()
}
