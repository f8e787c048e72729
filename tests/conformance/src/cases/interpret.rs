//! What `interpret` does and answers: it becomes outcomes and events.

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
        Asked::Interpret,
        Expected::Error(kind, says),
    )
}

const fn answers(
    name: &'static str,
    does: &'static str,
    word: &'static str,
    says: &'static str,
) -> Case {
    told(name, does, word, "invalid-answer", says)
}

pub(super) const CASES: &[Case] = &[
    told(
        "interpret-loops",
        "Loops.",
        "loop",
        "timed-out",
        "the most that it may take",
    ),
    told(
        "interpret-traps",
        "Traps.",
        "trap",
        "trapped",
        "unreachable",
    ),
    told(
        "interpret-eats-memory",
        "Takes all memory.",
        "eat-memory",
        "out-of-memory",
        "more than 64 MiB",
    ),
    told(
        "interpret-recurses",
        "Calls itself.",
        "recurse",
        "stack-overflow",
        "stack of 512 KiB",
    ),
    answers(
        "interpret-too-many",
        "Answers once more than it was asked.",
        "twice",
        "reports and gave",
    ),
    answers(
        "interpret-too-few",
        "Leaves a report out.",
        "not-at-all",
        "reports and gave",
    ),
    case(
        "interpret-swapped",
        "Answers in another order than it was asked.",
        Guest::Told("swapped"),
        Asked::Interpret,
        Expected::Differs,
    ),
    answers(
        "event-unknown",
        "Raises an event of a type that it did not describe.",
        "unknown-event",
        "the task type has no event type \"lost\"",
    ),
    answers(
        "event-bad-fields",
        "Raises an event that its own schema refuses.",
        "bad-fields",
        "0/events/0/fields: at \"/",
    ),
    answers(
        "event-deep-fields",
        "Raises an event whose fields are nested 100,000 levels deep.",
        "deep-fields",
        "0/events/0/fields: they are no JSON",
    ),
    answers(
        "event-without-text",
        "Raises an event without a text.",
        "no-text",
        "0/events/0/text",
    ),
    answers(
        "events-many",
        "Raises 10,001 events.",
        "many-events",
        "0/events: it has 10001 entries",
    ),
    answers(
        "summary-long",
        "Sums up in 1,001 bytes.",
        "long-summary",
        "0/summary: it has 1001 bytes",
    ),
];
