//! Whole components and other files: what is wrong with them is how they are made.

use crate::rust;
use anyhow::{Context, Result};

/// A component in text, with the exports that a plug-in has, all of them empty.
pub fn with_exports(rest: &str) -> Result<Vec<u8>> {
    with_exports_of("1.0.0", rest)
}

/// The same of another version of the contract.
pub fn with_exports_of(version: &str, rest: &str) -> Result<Vec<u8>> {
    let exports = ["describe", "validate", "translate"]
        .map(|name| format!(r#"(export "muster:plugin/{name}@{version}" (instance $empty))"#))
        .concat();
    of(&format!("(component {rest} (instance $empty) {exports})"))
}

/// One with a core module in it.
pub fn with_module(fields: &str) -> Result<Vec<u8>> {
    with_exports(&format!("(core module {fields})"))
}

/// Text made to bytes.
pub fn of(text: &str) -> Result<Vec<u8>> {
    let start: String = text.chars().take(200).collect();
    wat::parse_str(text).with_context(|| format!("no component: {start}"))
}

/// The good guest, cut.
pub fn cut(part: usize, of: usize) -> Result<Vec<u8>> {
    let whole = rust::built()?;
    Ok(whole
        .get(..whole.len() / of * part)
        .context("a part of it")?
        .to_vec())
}

/// The good guest with bits turned, at a place and then every so many bytes.
pub fn flipped(first: usize, every: usize) -> Result<Vec<u8>> {
    let mut bytes = rust::built()?.to_vec();
    for byte in bytes.iter_mut().skip(first).step_by(every) {
        *byte ^= 0x10;
    }
    Ok(bytes)
}

/// A component with so many bytes in a section that nobody reads.
pub fn padded(mut component: Vec<u8>, bytes: u32) -> Vec<u8> {
    component.push(0);
    leb128(&mut component, bytes + 2);
    component.extend([1, b'x']);
    component.resize(component.len() + bytes as usize, 0xaa);
    component
}

fn leb128(into: &mut Vec<u8>, mut number: u32) {
    loop {
        let [low, ..] = (number & 0x7f).to_le_bytes();
        number >>= 7;
        if number == 0 {
            into.push(low);
            return;
        }
        into.push(low | 0x80);
    }
}

/// A component with a core module that has so many functions of this body, each with one `i32`
/// parameter. The end of the body is added.
pub fn with_functions(count: u32, body: &[u8]) -> Result<Vec<u8>> {
    let mut function = vec![0];
    function.extend_from_slice(body);
    function.push(0x0b);
    let sized = section_like(&function)?;
    let mut functions = Vec::new();
    leb128(&mut functions, count);
    let mut bodies = functions.clone();
    functions.resize(functions.len() + count as usize, 0);
    for _ in 0..count {
        bodies.extend_from_slice(&sized);
    }
    let mut module = b"\0asm\x01\0\0\0".to_vec();
    for (id, content) in [(1, vec![1, 0x60, 1, 0x7f, 0]), (3, functions), (10, bodies)] {
        module.push(id);
        module.extend(section_like(&content)?);
    }
    let around = with_exports("")?;
    let (header, rest) = around.split_at_checked(8).context("it has a header")?;
    let mut component = header.to_vec();
    component.push(1);
    component.extend(section_like(&module)?);
    component.extend_from_slice(rest);
    Ok(component)
}

/// Bytes with their number before them.
fn section_like(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut section = Vec::new();
    leb128(&mut section, u32::try_from(bytes.len())?);
    section.extend_from_slice(bytes);
    Ok(section)
}
