//! Paths on devices, as settings hold them.

use crate::Findings;

/// Finds what makes a path unusable, whatever it is for: it is relative, holds `.` or `..` parts, or
/// a control character. True if it is usable. `pointer` says where it stands in the settings.
///
/// ```
/// use muster_plugin_sdk::{Findings, path, pointer};
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
    } else if path.chars().any(char::is_control) {
        (
            "path-control-character",
            "The path holds a line break or another control character.".into(),
        )
    } else if path.split('/').any(|part| part == "." || part == "..") {
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
