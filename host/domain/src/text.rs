//! Texts from elsewhere, as they may be shown: plug-ins, devices, registries and files say what they
//! like, and terminals and browsers obey what some characters say.
//!
//! What stands for something, such as a name or a title, is refused with such a character in it
//! ([`is_steering`]). A sentence is made [`plain`], as it may quote the name of a file. Values for
//! programs stay what they are, and are [`escaped`] where JSON goes to a terminal.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Whether a character controls how others are shown, rather than being shown itself: control
/// characters, marks that turn the direction of writing, ends of lines and paragraphs, and marks that
/// are never seen.
pub fn is_steering(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A number of things: `counted(1, "task")` is "1 task", and `counted(2, "task")` "2 tasks".
pub fn counted(number: u64, thing: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{ending}")
}

/// A text of one line in which nothing steers: white space of any kind is a space, and what else
/// would steer is U+FFFD.
pub fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains(is_steering) {
        return Cow::Borrowed(text);
    }
    let shown = |c| match c {
        c if !is_steering(c) => c,
        c if c.is_whitespace() => ' ',
        _ => '\u{fffd}',
    };
    Cow::Owned(text.chars().map(shown).collect())
}

/// JSON that means the same, with everything that steers as its escape. The ends of lines between
/// values stay.
pub fn escaped(json: &str) -> Cow<'_, str> {
    let steers = |c| c != '\n' && is_steering(c);
    if !json.contains(steers) {
        return Cow::Borrowed(json);
    }
    let mut text = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if steers(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a string does not fail.
                let _ = write!(text, "\\u{unit:04x}");
            }
        } else {
            text.push(c);
        }
    }
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRICKS: &str = "a\u{1b}[2Jb\u{202e}c\u{9b}31m\u{7f}d\r\ne\t\u{2028}f\u{feff}\u{e0041}";

    #[test]
    fn nothing_that_steers_is_left_in_a_sentence() {
        assert_eq!(
            plain(TRICKS),
            "a\u{fffd}[2Jb\u{fffd}c\u{fffd}31m\u{fffd}d  e  f\u{fffd}\u{fffd}"
        );
        assert!(!plain(TRICKS).contains(is_steering));
        // Letters of any language, and marks that join them, are left alone.
        for text in ["", "Überprüfung", "سلام", "می\u{200c}خواهم", "👩\u{200d}💻"]
        {
            assert!(matches!(plain(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn escaped_json_is_the_same_to_programs() {
        let value = serde_json::json!({ TRICKS: [TRICKS, 1] });
        for text in [value.to_string(), format!("{value:#}")] {
            let safe = escaped(&text);
            assert!(!safe.replace('\n', "").contains(is_steering), "{safe:?}");
            assert_eq!(
                serde_json::from_str::<serde_json::Value>(&safe).unwrap(),
                value
            );
        }
        assert!(escaped("{\n  \"a\": 1\n}").contains('\n'));
    }
}
