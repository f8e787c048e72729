//! Making an input smaller for as long as it still shows the fault.
//!
//! One thing is changed at a time: a part taken out, a text halved, a value made a plain one. What
//! still shows the fault is kept, and it begins anew, until nothing more can be changed or enough
//! was tried.

use super::Input;
use serde_json::{Map, Value};

/// Tries for an ordinary fault.
pub(super) const TRIES: u32 = 1500;

/// The smallest input that was found. `still` says whether an input shows the fault.
pub(super) fn shrink(
    input: &Input,
    mut tries: u32,
    mut still: impl FnMut(&Input) -> bool,
) -> Input {
    let mut least = input.to_json();
    let mut from = 0;
    while tries > 0 {
        let mut number = 0;
        let mut found = None;
        each_smaller(&least, &mut Vec::new(), &mut |path, value| {
            number += 1;
            if number <= from {
                return true;
            }
            let candidate = with(&least, path, value);
            let Some(input) = Input::from_json(&candidate) else {
                return true;
            };
            tries -= 1;
            if still(&input) {
                found = Some(candidate);
            }
            found.is_none() && tries > 0
        });
        match found {
            // What stands before was in vain a moment ago, and mostly still is.
            Some(candidate) => (least, from) = (candidate, number - 1),
            None if from > 0 => from = 0,
            None => break,
        }
    }
    Input::from_json(&least).unwrap_or_else(|| input.clone())
}

/// A step down in a value: the number of an entry, or of a member.
type Path = Vec<usize>;

/// Calls `each` with every value that is one step smaller in one place, the boldest steps first,
/// until it says that it has enough.
fn each_smaller(
    value: &Value,
    path: &mut Path,
    each: &mut dyn FnMut(&Path, Value) -> bool,
) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(_) | Value::Number(_) => smaller_numbers(value)
            .into_iter()
            .all(|less| each(path, less)),
        Value::String(text) => smaller_texts(text)
            .into_iter()
            .all(|less| each(path, Value::String(less))),
        Value::Array(entries) => {
            let without = |(from, to)| {
                entries
                    .iter()
                    .take(from)
                    .chain(entries.iter().skip(to))
                    .cloned()
                    .collect()
            };
            parts(entries.len()).all(|part| each(path, without(part)))
                && each_below(entries.iter(), path, each)
        }
        Value::Object(members) => {
            let without = |(from, to)| -> Map<String, Value> {
                let kept = members.iter().take(from).chain(members.iter().skip(to));
                kept.map(|(name, value)| (name.clone(), value.clone()))
                    .collect()
            };
            parts(members.len()).all(|part| each(path, Value::Object(without(part))))
                && each_below(members.values(), path, each)
        }
    }
}

fn each_below<'v>(
    values: impl Iterator<Item = &'v Value>,
    path: &mut Path,
    each: &mut dyn FnMut(&Path, Value) -> bool,
) -> bool {
    values.enumerate().all(|(at, value)| {
        path.push(at);
        let go_on = each_smaller(value, path, each);
        path.pop();
        go_on
    })
}

/// The value with another one in a place.
fn with(value: &Value, path: &[usize], other: Value) -> Value {
    let mut whole = value.clone();
    let mut place = Some(&mut whole);
    for at in path {
        place = place.and_then(|place| match place {
            Value::Array(entries) => entries.get_mut(*at),
            Value::Object(members) => members.values_mut().nth(*at),
            _ => None,
        });
    }
    if let Some(place) = place {
        *place = other;
    }
    whole
}

fn smaller_numbers(value: &Value) -> Vec<Value> {
    match value.as_i64() {
        Some(number) => [0, 1, number / 2, number - number.signum()]
            .into_iter()
            .filter(|less| less.unsigned_abs() < number.unsigned_abs())
            .map(Value::from)
            .collect(),
        None if value == &Value::Bool(true) => vec![Value::Bool(false)],
        None if value.is_boolean() => Vec::new(),
        None => vec![0.into()],
    }
}

/// Texts that are one step smaller: shorter, then plainer.
fn smaller_texts(text: &str) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    let mut all: Vec<String> = parts(characters.len())
        .map(|(from, to)| {
            characters
                .iter()
                .take(from)
                .chain(characters.iter().skip(to))
                .collect()
        })
        .collect();
    // Only short ones are made plainer: what is long is mostly there for its length.
    if characters.len() <= 40 {
        for (at, character) in characters.iter().enumerate() {
            if !character.is_ascii_alphanumeric() || *character > 'a' {
                let mut plainer = characters.clone();
                if let Some(character) = plainer.get_mut(at) {
                    *character = 'a';
                }
                all.push(plainer.into_iter().collect());
            }
        }
    }
    all
}

/// What to take out of so many: all, halves, quarters, down to single ones.
fn parts(length: usize) -> impl Iterator<Item = (usize, usize)> {
    let mut size = length;
    let sizes = std::iter::from_fn(move || {
        let now = (size > 0).then_some(size);
        size /= 2;
        now
    });
    sizes.flat_map(move |size| {
        // Of very many only some: the next round takes more.
        let count = length.div_ceil(size).min(64);
        (0..count).map(move |number| (number * size, ((number + 1) * size).min(length)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn least(settings: &Value, still: impl Fn(&Value) -> bool) -> Value {
        assert!(still(settings));
        shrink(&Input::settings(settings), TRIES, |input| {
            still(&input.settings)
        })
        .settings
    }

    #[test]
    fn what_does_not_matter_goes() {
        let settings = json!({"a": [1, 2, {"b": "xxFOUNDyy"}], "c": true, "d": {"e": null}});
        let has = |value: &Value| value.to_string().contains("FOUND");
        assert_eq!(least(&settings, has), json!({"a": [{"b": "FOUND"}]}));
    }

    #[test]
    fn numbers_and_lengths_go_to_their_edge() {
        assert_eq!(
            least(&json!({"n": 987_654}), |v| v["n"].as_i64() > Some(100)),
            json!({"n": 101})
        );
        let long = json!({"t": "é".repeat(5000)});
        let least = least(&long, |v| {
            v["t"].as_str().is_some_and(|text| text.len() >= 300)
        });
        assert_eq!(least["t"].as_str().map(str::len), Some(300));
    }

    #[test]
    fn the_number_of_tries_is_kept() {
        let mut tried = 0;
        shrink(&Input::settings(&json!({"a": "x".repeat(100)})), 10, |_| {
            tried += 1;
            false
        });
        assert_eq!(tried, 10);
    }
}
