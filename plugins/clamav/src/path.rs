//! Paths on devices, as settings hold them.

pub(crate) use muster_sdk::path::{bare, check, covers, same};

/// An extended regular expression that matches exactly this path and what lies below it.
pub(crate) fn to_regex(path: &str) -> String {
    format!("^{}(/|$)", escaped(bare(path)))
}

/// A text that means itself in an extended regular expression.
fn escaped(text: &str) -> String {
    text.chars()
        .fold(String::with_capacity(text.len() + 8), |mut regex, c| {
            if r".[]{}()\*+?|^$".contains(c) {
                regex.push('\\');
            }
            regex.push(c);
            regex
        })
}

/// An extended regular expression for file names like `*.iso`: `*` is any part of a name, `?` any
/// one character.
pub(crate) fn glob_to_regex(pattern: &str) -> String {
    let mut regex = String::from("/");
    for c in pattern.chars() {
        match c {
            '*' => regex.push_str("[^/]*"),
            '?' => regex.push_str("[^/]"),
            c => regex.push_str(&escaped(c.encode_utf8(&mut [0; 4]))),
        }
    }
    regex.push('$');
    regex
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_covers_what_lies_below_it_and_no_namesake() {
        assert!(covers("/a", "/a") && covers("/a/", "/a/b") && covers("/", "/a"));
        assert!(!covers("/a", "/ab") && !covers("/a/b", "/a"));
    }

    #[test]
    fn texts_mean_themselves_in_regular_expressions() {
        assert_eq!(to_regex("/a.b/c+"), r"^/a\.b/c\+(/|$)");
        assert_eq!(to_regex("/a/"), "^/a(/|$)");
        assert_eq!(glob_to_regex("*.i?o"), r"/[^/]*\.i[^/]o$");
    }
}
