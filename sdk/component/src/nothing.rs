//! A plug-in that does nothing, to measure what calls cost that are answered without any work.
//!
//! It is written here, word by word, so that no compiler's runtime is in the figures: it describes one
//! task type that takes any settings, finds nothing, gives every profile the same step and every report
//! the same outcome.

use crate::encode;
use std::fmt::Write as _;
use wit_component::{StringEncoding, embed_component_metadata};
use wit_parser::{Resolve, SourceMap};

/// The id of its task type.
pub const NOTHING: &str = "nothing";

/// The contract, as guests are built for it.
const CONTRACT: [(&str, &str); 12] = [
    ("clock.wit", include_str!("../../../wit/v1/clock.wit")),
    ("data.wit", include_str!("../../../wit/v1/data.wit")),
    ("describe.wit", include_str!("../../../wit/v1/describe.wit")),
    ("files.wit", include_str!("../../../wit/v1/files.wit")),
    (
        "interpret.wit",
        include_str!("../../../wit/v1/interpret.wit"),
    ),
    ("log.wit", include_str!("../../../wit/v1/log.wit")),
    ("migrate.wit", include_str!("../../../wit/v1/migrate.wit")),
    ("random.wit", include_str!("../../../wit/v1/random.wit")),
    (
        "translate.wit",
        include_str!("../../../wit/v1/translate.wit"),
    ),
    ("types.wit", include_str!("../../../wit/v1/types.wit")),
    ("validate.wit", include_str!("../../../wit/v1/validate.wit")),
    ("worlds.wit", include_str!("../../../wit/v1/worlds.wit")),
];

/// Why it could not be made: this version of the tools and the contract do not go together.
#[derive(Debug, thiserror::Error)]
#[error("the plug-in that does nothing cannot be made: {0}")]
pub struct NothingError(String);

/// Makes the component.
pub fn nothing() -> Result<Vec<u8>, NothingError> {
    let failed = |error: &dyn std::fmt::Display| NothingError(error.to_string());
    let mut module = wat::parse_str(module()).map_err(|error| failed(&error))?;
    let mut sources = SourceMap::new();
    for (name, text) in CONTRACT {
        sources.push_str(name, text);
    }
    let contract = sources.parse().map_err(|(_, error)| failed(&error))?;
    let mut resolve = Resolve::default();
    let package = resolve
        .push_group(contract)
        .map_err(|error| failed(&error))?;
    let world = resolve
        .select_world(&[package], Some("management-plugin-with-interpret"))
        .map_err(|error| failed(&error))?;
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false)
        .map_err(|error| failed(&error))?;
    encode(&module).map_err(|error| failed(&error))
}

/// Memory as it is when an instance begins: texts, and records that point at them.
struct Image(Vec<u8>);

/// Where the image begins. Below is the zero page, of which answers without content are made.
const BASE: usize = 1024;

impl Image {
    /// Puts bytes there and answers where, at a multiple of four.
    fn put(&mut self, bytes: &[u8]) -> u32 {
        while !self.0.len().is_multiple_of(4) {
            self.0.push(0);
        }
        let at = BASE + self.0.len();
        self.0.extend_from_slice(bytes);
        // The image has a few hundred bytes.
        u32::try_from(at).unwrap_or_default()
    }

    /// A record or a list of words.
    fn words(&mut self, words: &[u32]) -> u32 {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        self.put(&bytes)
    }

    /// A text, as place and length.
    fn text(&mut self, text: &str) -> [u32; 2] {
        [
            self.put(text.as_bytes()),
            u32::try_from(text.len()).unwrap_or_default(),
        ]
    }
}

/// The module: what is laid out by the canonical ABI is told beside each record.
#[expect(
    clippy::too_many_lines,
    reason = "half of it is the text of the module"
)]
fn module() -> String {
    let mut image = Image(Vec::new());
    let none = [0, 0];
    let [id, title] = [NOTHING, "Nothing"].map(|text| image.text(text));
    let schema = image.text(r#"{"type":"object"}"#);
    let settings = image.text("{}");
    let example = image.words(&[title, settings].concat());
    let kinds = image.put(&[1, 2, 3]);
    // id, title, summary, kinds, schema, version, examples, facts, needs, marks, time limit, events, more
    let task_type = [
        &id[..],
        &title,
        &title,
        &[kinds, 3],
        &schema,
        &[1],
        &[example, 1],
        &none,
        &[2],
        &none,
        &[60],
        &none,
        &none,
    ];
    let task_type = image.words(&task_type.concat());
    let [application, version, manages] =
        ["org.muster.nothing", "1.0.0", "*"].map(|text| image.text(text));
    // application, name, vendor, version, manages, capabilities, limits, task types, more
    let description = [
        &application[..],
        &title,
        &title,
        &version,
        &manages,
        &none,
        &none,
        &[task_type, 1],
        &none,
    ];
    let description = image.words(&description.concat());
    // program, then 96 bytes in which nothing is asked for
    let step = image.words(&[&id[..], &[0; 24]].concat());
    let [done, done_length] = image.text("Done.");
    let heap = (BASE + image.0.len()).next_multiple_of(16);
    let data = image.0.iter().fold(String::new(), |mut data, byte| {
        // Writing to a string does not fail.
        let _ = write!(data, "\\{byte:02x}");
        data
    });
    format!(
        r#"(module
  (memory (export "memory") 2)
  (global $free (mut i32) (i32.const {heap}))
  (data (i32.const {BASE}) "{data}")
  (func $take (param $align i32) (param $size i32) (result i32)
    (local $at i32) (local $end i32)
    (local.set $at (i32.and
      (i32.sub (i32.add (global.get $free) (local.get $align)) (i32.const 1))
      (i32.sub (i32.const 0) (local.get $align))))
    (local.set $end (i32.add (local.get $at) (local.get $size)))
    (global.set $free (local.get $end))
    (if (i32.gt_u (local.get $end) (i32.shl (memory.size) (i32.const 16)))
      (then (drop (memory.grow (i32.shr_u
        (i32.add (i32.sub (local.get $end) (i32.shl (memory.size) (i32.const 16))) (i32.const 65535))
        (i32.const 16))))))
    (local.get $at))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $at i32)
    (local.set $at (call $take (local.get 2) (local.get 3)))
    (memory.copy (local.get $at) (local.get 0) (local.get 1))
    (local.get $at))
  (func $list (param $items i32) (param $count i32) (result i32)
    (local $at i32)
    (local.set $at (call $take (i32.const 4) (i32.const 8)))
    (i32.store (local.get $at) (local.get $items))
    (i32.store offset=4 (local.get $at) (local.get $count))
    (local.get $at))
  (func (export "muster:plugin/describe@1.0.0#describe") (result i32) (i32.const {description}))
  (func (export "muster:plugin/validate@1.0.0#validate") (param i32 i32 i32 i32) (result i32)
    (i32.const 64))
  (func (export "muster:plugin/translate@1.0.0#translate") (param i32 i32 i32 i32 i32 i32) (result i32)
    (local $items i32) (local $left i32) (local $at i32)
    (local.set $items (call $take (i32.const 4) (i32.mul (local.get 5) (i32.const 20))))
    (local.set $at (local.get $items))
    (local.set $left (local.get 5))
    (block $done (loop $next
      (br_if $done (i32.eqz (local.get $left)))
      (i32.store offset=4 (local.get $at) (i32.const {step}))
      (i32.store offset=8 (local.get $at) (i32.const 1))
      (local.set $at (i32.add (local.get $at) (i32.const 20)))
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br $next)))
    (call $list (local.get $items) (local.get 5)))
  (func (export "muster:plugin/interpret@1.0.0#interpret") (param i32 i32 i32 i32 i32 i32) (result i32)
    (local $items i32) (local $left i32) (local $at i32)
    (local.set $items (call $take (i32.const 4) (i32.mul (local.get 5) (i32.const 28))))
    (local.set $at (local.get $items))
    (local.set $left (local.get 5))
    (block $done (loop $next
      (br_if $done (i32.eqz (local.get $left)))
      (i32.store offset=4 (local.get $at) (i32.const {done}))
      (i32.store offset=8 (local.get $at) (i32.const {done_length}))
      (local.set $at (i32.add (local.get $at) (i32.const 28)))
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br $next)))
    (call $list (local.get $items) (local.get 5))))
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Anatomy;

    #[test]
    fn it_is_a_component_of_the_contract() {
        let component = nothing().unwrap();
        wasmparser::Validator::new()
            .validate_all(&component)
            .unwrap();
        let found = Anatomy::read(&component).unwrap();
        assert_eq!(found.contract.as_deref(), Some("1.0.0"));
        assert_eq!(found.exports.len(), 4, "{:?}", found.exports);
        assert!(component.len() < 16 * 1024, "{}", component.len());
    }
}
