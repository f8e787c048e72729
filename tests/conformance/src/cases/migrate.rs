//! What `migrate` does and answers: it becomes the settings of tasks.

use super::case;
use crate::case::{Asked, Case, Expected, Guest};

const fn told(
    name: &'static str,
    does: &'static str,
    word: &'static str,
    kind: &'static str,
    says: &'static str,
) -> Case {
    case(
        name,
        does,
        Guest::Told(word),
        Asked::Migrate,
        Expected::Error(kind, says),
    )
}

const INVALID: &str = "invalid-answer";

pub(super) const CASES: &[Case] = &[
    told(
        "migrate-loops",
        "Loops.",
        "loop",
        "timed-out",
        "the most that it may take",
    ),
    told("migrate-traps", "Traps.", "trap", "trapped", "unreachable"),
    told(
        "migrate-eats-memory",
        "Takes all memory.",
        "eat-memory",
        "out-of-memory",
        "more than 64 MiB",
    ),
    told(
        "migrate-recurses",
        "Calls itself.",
        "recurse",
        "stack-overflow",
        "stack of 512 KiB",
    ),
    told(
        "migrate-not-json",
        "Gives settings that are no JSON.",
        "rubbish",
        INVALID,
        "not valid JSON",
    ),
    told(
        "migrate-against-schema",
        "Gives settings that its own schema refuses.",
        "against-schema",
        INVALID,
        "/do",
    ),
    told(
        "migrate-deep",
        "Gives settings nested 10,000 levels deep.",
        "deep-settings",
        INVALID,
        "its answer breaks the contract",
    ),
    told(
        "migrate-large",
        "Gives settings of 2 MB.",
        "large-settings",
        INVALID,
        "bytes; at most 262144 are taken",
    ),
    told(
        "migrate-fails",
        "Says that it failed.",
        "internal",
        "internal",
        "out of ideas",
    ),
];
