//! What `validate` does and answers.

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
        Asked::Validate,
        Expected::Error(kind, says),
    )
}

const fn harmless(name: &'static str, does: &'static str, word: &'static str) -> Case {
    case(
        name,
        does,
        Guest::Told(word),
        Asked::Validate,
        Expected::Harmless,
    )
}

const INVALID: &str = "invalid-answer";

pub(super) const CASES: &[Case] = &[
    told(
        "validate-loops",
        "Loops.",
        "loop",
        "timed-out",
        "the most that it may take",
    ),
    told("validate-traps", "Traps.", "trap", "trapped", "unreachable"),
    told(
        "validate-panics",
        "Panics.",
        "panic",
        "trapped",
        "it trapped",
    ),
    told(
        "validate-eats-memory",
        "Takes all memory, a MiB at a time.",
        "eat-memory",
        "out-of-memory",
        "more than 64 MiB",
    ),
    told(
        "validate-eats-memory-slowly",
        "Takes all memory, a page at a time.",
        "eat-memory-slowly",
        "out-of-memory",
        "more than 64 MiB",
    ),
    told(
        "validate-fills-memory",
        "Writes 48 MiB again and again.",
        "fill-memory",
        "timed-out",
        "the most that it may take",
    ),
    told(
        "validate-recurses",
        "Calls itself.",
        "recurse",
        "stack-overflow",
        "stack of 512 KiB",
    ),
    told(
        "validate-giant-text",
        "Answers with a text of 5 MiB.",
        "giant",
        "answer-too-large",
        "larger than 4 MiB",
    ),
    told(
        "validate-aliasing-texts",
        "Answers with a thousand texts that are all the same 900 kB.",
        "aliasing",
        "answer-too-large",
        "larger than 4 MiB",
    ),
    told(
        "validate-empty-findings",
        "Answers with 200,000 empty findings.",
        "empty-items",
        "answer-too-large",
        "larger than 4 MiB",
    ),
    told(
        "validate-many-findings",
        "Answers with 1,001 findings.",
        "many",
        INVALID,
        "1001 entries",
    ),
    told(
        "validate-many-parameters",
        "Answers with a finding of 51 parameters.",
        "many-params",
        INVALID,
        "51 entries",
    ),
    told(
        "validate-bad-pointer",
        "Points at no place.",
        "bad-pointer",
        INVALID,
        "is no JSON Pointer",
    ),
    told(
        "validate-long-pointer",
        "Points 1,000 levels deep.",
        "long-pointer",
        INVALID,
        "findings/0/pointer: it has 2000 bytes",
    ),
    told(
        "validate-bad-code",
        "Gives a code that is a sentence.",
        "bad-code",
        INVALID,
        "findings/0/code",
    ),
    told(
        "validate-no-text",
        "Gives a finding without a text.",
        "no-text",
        INVALID,
        "findings/0/text",
    ),
    told(
        "validate-refuses-without-error",
        "Refuses settings, and has nothing against them.",
        "invalid-without-error",
        INVALID,
        "none of its findings is an error",
    ),
    told(
        "validate-unknown-task-type",
        "Does not know the task type that it described.",
        "unknown-task-type",
        INVALID,
        "does not know a task type that it described",
    ),
    told(
        "validate-fails",
        "Says that it failed.",
        "internal",
        "internal",
        "out of ideas",
    ),
    harmless("validate-floods-log", "Logs 50 MB.", "flood-log"),
    harmless(
        "validate-giant-log-line",
        "Logs a line of 3 MiB.",
        "log-giant-line",
    ),
    harmless(
        "validate-forges-log",
        "Logs a line that looks like two, and clears the terminal.",
        "log-control-characters",
    ),
];
