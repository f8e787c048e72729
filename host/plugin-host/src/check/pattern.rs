//! Regular expressions that a plug-in gives to devices: they compile, within a size.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// Bytes of a pattern's text.
pub(crate) const MOST_TEXT: usize = 1000;
/// Bytes of a compiled pattern, so that `(((a{100}){100}){100})` is no trap for devices.
pub(crate) const MOST_COMPILED: usize = 256 << 10;
/// Patterns that are remembered as good.
const REMEMBERED: usize = 500;

/// Patterns of one plug-in that were found good. A batch of a thousand commands has the same few
/// patterns a thousand times, and compiling one costs more than the rest of the check.
#[derive(Debug, Default)]
pub(crate) struct Patterns {
    good: Mutex<HashSet<(String, Use)>>,
}

/// What a pattern is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Use {
    /// It picks lines; groups do not matter.
    Lines,
    /// It reports progress, by its groups.
    Progress,
}

impl Patterns {
    /// Says what is wrong with a pattern.
    pub(crate) fn check(&self, pattern: &str, usage: Use) -> Result<(), String> {
        if pattern.len() > MOST_TEXT {
            return Err(format!(
                "the pattern has {} bytes; at most {MOST_TEXT} are taken",
                pattern.len()
            ));
        }
        let key = (pattern.to_owned(), usage);
        if self.lock().contains(&key) {
            return Ok(());
        }
        compile(pattern, usage)?;
        let mut good = self.lock();
        if good.len() < REMEMBERED {
            good.insert(key);
        }
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashSet<(String, Use)>> {
        self.good.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn compile(pattern: &str, usage: Use) -> Result<(), String> {
    let regex = regex::RegexBuilder::new(pattern)
        .size_limit(MOST_COMPILED)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => {
                format!(
                    "the pattern {pattern:?} is larger than {} KiB when compiled",
                    MOST_COMPILED >> 10
                )
            }
            error => format!("the pattern {pattern:?} does not compile: {error}"),
        })?;
    let has = |group: &str| regex.capture_names().flatten().any(|name| name == group);
    if usage == Use::Progress && !has("percent") && !(has("done") && has("total")) {
        return Err(format!(
            "the pattern {pattern:?} reports progress, but has neither a group `percent` nor the groups `done` and `total`"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_compiles_within_its_size_and_has_its_groups() {
        let patterns = Patterns::default();
        let check = |pattern: &str, usage| patterns.check(pattern, usage);
        assert_eq!(check("FOUND$", Use::Lines), Ok(()));
        assert_eq!(check("FOUND$", Use::Lines), Ok(()));
        assert!(
            check("FOUND$", Use::Progress)
                .unwrap_err()
                .contains("percent")
        );
        assert_eq!(check("(?<percent>[0-9]+)%", Use::Progress), Ok(()));
        assert_eq!(
            check("(?<done>[0-9]+)/(?<total>[0-9]+)", Use::Progress),
            Ok(())
        );
        assert!(
            check("(", Use::Lines)
                .unwrap_err()
                .contains("does not compile")
        );
        assert!(
            check("((a{99}){99}){99}", Use::Lines)
                .unwrap_err()
                .contains("larger than")
        );
        assert!(
            check(&"a".repeat(1001), Use::Lines)
                .unwrap_err()
                .contains("1001 bytes")
        );
    }
}
