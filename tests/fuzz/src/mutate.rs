//! Changes an input a little, so that it is near to one that is accepted.

use crate::Random;
use serde_json::{Map, Value, json};

/// Bytes of the greatest input that grows out of another.
const MOST: usize = 256 << 10;

/// Texts that readers stumble over.
const TEXTS: [&str; 14] = [
    "",
    "\0",
    "\n",
    "..",
    "/",
    "\u{202e}",
    "\u{10ffff}",
    "(((a+)+)+)+$",
    "-1",
    "18446744073709551616",
    "1e400",
    "{\"$ref\": \"#\"}",
    "{\"type\": \"object\"}",
    "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
];

/// Changes bytes in up to four places. `other` is another input of the same kind, to take from.
pub fn mutate(bytes: &[u8], other: &[u8], json: bool, random: &mut Random) -> Vec<u8> {
    // One of eight times also JSON is changed as bytes, to be none.
    if json && random.below(8) > 0 {
        let (value, other) = (serde_json::from_slice(bytes), serde_json::from_slice(other));
        if let (Ok(mut value), Ok(other)) = (value, other) {
            for _ in 0..=random.below(4) {
                change(&mut value, &other, random);
            }
            return value.to_string().into_bytes();
        }
    }
    let mut bytes = bytes.to_vec();
    for _ in 0..=random.below(4) {
        change_bytes(&mut bytes, other, random);
    }
    bytes.truncate(MOST);
    bytes
}

fn change_bytes(bytes: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    let at = random.below(bytes.len() + 1);
    let end = (at + 1 + random.below(16)).min(bytes.len());
    match random.below(8) {
        0 => bytes.truncate(at),
        1 => {
            bytes.drain(at.min(end)..end);
        }
        2 => {
            let piece = bytes.get(at..end).unwrap_or_default().to_vec();
            bytes.splice(at..at, piece);
        }
        3 => {
            let from = random.below(other.len() + 1);
            let to = (from + random.below(64)).min(other.len());
            let piece = other.get(from..to).unwrap_or_default();
            bytes.splice(at..at, piece.iter().copied());
        }
        4 => {
            let text = random.one(&TEXTS).copied().unwrap_or_default();
            bytes.splice(at..at, text.bytes());
        }
        5 => {
            // A number that says how long something is, as WebAssembly writes it.
            let huge = [0xff, 0xff, 0xff, 0xff, 0x0f];
            let piece = bytes.iter_mut().skip(at).zip(huge);
            piece.for_each(|(byte, huge)| *byte = huge);
        }
        _ => {
            let changed = u8::try_from(random.below(256)).unwrap_or_default();
            if let Some(byte) = bytes.get_mut(at) {
                *byte = changed;
            }
        }
    }
}

/// Goes down to some value, and changes that.
fn change(value: &mut Value, other: &Value, random: &mut Random) {
    let down = random.below(5) > 0;
    match value {
        Value::Array(items) if down && !items.is_empty() => {
            let at = random.below(items.len());
            if let Some(item) = items.get_mut(at) {
                change(item, other, random);
            }
        }
        Value::Object(entries) if down && !entries.is_empty() => {
            let at = random.below(entries.len());
            if let Some((_, entry)) = entries.iter_mut().nth(at) {
                change(entry, other, random);
            }
        }
        Value::Array(items) => change_items(items, other, random),
        Value::Object(entries) => change_entries(entries, other, random),
        Value::String(text) => change_text(text, random),
        leaf => *leaf = any(random, 0),
    }
}

fn change_items(items: &mut Vec<Value>, other: &Value, random: &mut Random) {
    let at = random.below(items.len());
    match random.below(4) {
        0 if !items.is_empty() => {
            items.remove(at);
        }
        1 => {
            // Many of the same: what has no bound shows it.
            let item = items.get(at).cloned().unwrap_or_else(|| any(random, 0));
            let times = 1 + random.below(64);
            items.extend(std::iter::repeat_n(item, times));
        }
        2 => items.push(other.clone()),
        _ => items.push(any(random, 0)),
    }
}

fn change_entries(entries: &mut Map<String, Value>, other: &Value, random: &mut Random) {
    let at = random.below(entries.len());
    let key = entries.keys().nth(at).cloned().unwrap_or_default();
    match random.below(4) {
        0 => {
            entries.remove(&key);
        }
        1 => {
            let new = random.one(&TEXTS).copied().unwrap_or_default();
            entries.insert(new.to_owned(), any(random, 0));
        }
        2 => {
            let taken = other.get(&key).cloned().unwrap_or_else(|| other.clone());
            entries.insert(key, taken);
        }
        _ => {
            entries.insert(key, any(random, 0));
        }
    }
}

fn change_text(text: &mut String, random: &mut Random) {
    // A text that is JSON itself, as schemas and settings are, is changed as such.
    if random.below(2) == 0
        && let Ok(mut value) = serde_json::from_str::<Value>(text)
        && (value.is_object() || value.is_array())
    {
        change(&mut value, &Value::Null, random);
        *text = value.to_string();
        return;
    }
    let stumble = random.one(&TEXTS).copied().unwrap_or_default();
    match random.below(4) {
        0 => stumble.clone_into(text),
        1 => text.push_str(stumble),
        2 => *text = text.repeat(2 + random.below(100)),
        _ => {
            text.pop();
        }
    }
    if text.len() > MOST {
        text.clear();
    }
}

/// Some value, not deeper than a few levels but where depth itself is tried.
fn any(random: &mut Random, depth: usize) -> Value {
    match random.below(if depth < 3 { 9 } else { 6 }) {
        0 => Value::Null,
        1 => json!(random.below(2) == 0),
        2 => json!(random.number()),
        3 => json!(random.below(300)),
        4 => json!(-1.5),
        5 => json!(random.one(&TEXTS)),
        6 => json!([any(random, depth + 1), any(random, depth + 1)]),
        7 => {
            let key = random.one(&TEXTS).copied().unwrap_or_default();
            json!({ key: any(random, depth + 1) })
        }
        _ => (0..random.below(100)).fold(Value::Null, |inner, _| json!([inner])),
    }
}
