//! Paths on devices, as settings hold them.

use crate::Findings;

/// Finds what makes a path unusable, whatever it is for: it is relative, holds `.` or `..` parts, or
/// a control character. True if it is usable. `pointer` says where it stands in the settings.
///
/// ```
/// use muster_sdk::{Findings, path, pointer};
///
/// let mut findings = Findings::default();
/// assert!(path::check("/srv", &|| pointer!("folder"), &mut findings));
/// assert!(!path::check("srv", &|| pointer!("folder"), &mut findings));
/// assert_eq!(findings.0[0].code, "path-relative");
/// ```
pub fn check(path: &str, pointer: &dyn Fn() -> String, findings: &mut Findings) -> bool {
    let (code, text) = if !path.starts_with('/') {
        (
            "path-relative",
            format!("{path:?} is a relative path; write it from / on."),
        )
    } else if has_control_character(path) {
        (
            "path-control-character",
            "The path holds a line break or another control character.".into(),
        )
    } else if has_dots(path) {
        (
            "path-not-plain",
            format!("{path:?} holds . or .. parts; write where it leads."),
        )
    } else {
        return true;
    };
    findings.error(pointer(), code, text).param("path", path);
    false
}

/// A path without the slashes at its end; empty for the root.
///
/// ```
/// use muster_sdk::path;
///
/// assert_eq!(path::bare("/srv//"), "/srv");
/// ```
pub fn bare(path: &str) -> &str {
    let mut rest = path;
    while let Some(shorter) = rest.strip_suffix('/') {
        rest = shorter;
    }
    rest
}

/// Whether two paths lead to the same place by their letters, however many slashes end them.
///
/// ```
/// use muster_sdk::path;
///
/// assert!(path::same("/srv/", "/srv"));
/// ```
pub fn same(one: &str, other: &str) -> bool {
    bare(one) == bare(other)
}

/// Whether `path` is `folder`, or lies below it.
///
/// ```
/// use muster_sdk::path;
///
/// assert!(path::covers("/srv/", "/srv/data"));
/// assert!(!path::covers("/srv", "/srvdata"));
/// ```
pub fn covers(folder: &str, path: &str) -> bool {
    path.strip_prefix(bare(folder))
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

// Looking at bytes is several times faster in a guest than looking for characters.

fn has_control_character(path: &str) -> bool {
    // Those beyond ASCII begin with this byte.
    const BEYOND: u8 = 0xc2;
    path.bytes()
        .any(|byte| byte.is_ascii_control() || byte == BEYOND)
        && path.chars().any(char::is_control)
}

fn has_dots(path: &str) -> bool {
    path.as_bytes()
        .split(|byte| *byte == b'/')
        .any(|part| matches!(part, b"." | b".."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_found_wherever_they_stand() {
        for path in ["/a\nb", "/\u{7f}", "/é\u{85}", "/\u{9f}"] {
            assert!(has_control_character(path), "{path:?}");
        }
        for path in ["/", "/srv/data", "/é/\u{a0}", "/日本"] {
            assert!(!has_control_character(path), "{path:?}");
        }
    }

    #[test]
    fn dots_are_found_only_as_whole_parts() {
        for path in ["/.", "/..", "/a/../b", "/a/./"] {
            assert!(has_dots(path), "{path:?}");
        }
        for path in ["/", "/.a", "/a.", "/...", "/a..b/c"] {
            assert!(!has_dots(path), "{path:?}");
        }
    }
}
