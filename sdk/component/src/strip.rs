//! What only debuggers read is taken out.

use crate::section::{Damaged, HEADER, Kind, sections};

/// Levels of components within components; compilers make two or three.
const MOST_LEVELS: usize = 8;

/// The same component without debug information, and without the names of its functions unless they
/// are kept. Names cost size and nothing else, and a trap is then told with the functions that led to
/// it. Data files and metadata stay.
pub fn strip(component: &[u8], keep_names: bool) -> Result<Vec<u8>, Damaged> {
    below(component, keep_names, MOST_LEVELS)
}

fn below(file: &[u8], keep_names: bool, levels: usize) -> Result<Vec<u8>, Damaged> {
    let mut out = Vec::with_capacity(file.len());
    let found = sections(file)?;
    out.extend_from_slice(file.get(..HEADER).unwrap_or_default());
    for section in found {
        if section.name().is_some_and(|name| goes(name, keep_names)) {
            continue;
        }
        if section.kind == Kind::Nested && levels > 0 {
            section.write(&mut out, &below(section.content, keep_names, levels - 1)?);
        } else {
            section.write(&mut out, section.content);
        }
    }
    Ok(out)
}

fn goes(name: &str, keep_names: bool) -> bool {
    match name {
        "name" | "component-name" => !keep_names,
        "sourceMappingURL" | "external_debug_info" | "target_features" => true,
        _ => name.starts_with(".debug_"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPONENT: &str = r#"(component $outer
        (@custom "muster:data/a.txt" "data")
        (core module $inner (func $named (unreachable)) (@custom ".debug_line" "lines")
            (@custom "producers" "\00")))"#;

    #[test]
    fn names_and_debug_information_go_and_data_stays() {
        let whole = wat::parse_str(COMPONENT).unwrap();
        let has = |bytes: &[u8], text: &str| {
            bytes
                .windows(text.len())
                .any(|part| part == text.as_bytes())
        };
        assert!(has(&whole, "named") && has(&whole, ".debug_line"));
        let bare = strip(&whole, false).unwrap();
        assert!(!has(&bare, "named") && !has(&bare, ".debug_line") && !has(&bare, "outer"));
        assert!(has(&bare, "muster:data/a.txt") && has(&bare, "producers"));
        wasmparser::Validator::new().validate_all(&bare).unwrap();
        let named = strip(&whole, true).unwrap();
        assert!(has(&named, "named") && !has(&named, ".debug_line"));
        assert_eq!(strip(&bare, false).unwrap(), bare);
    }
}
