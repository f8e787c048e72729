//! What `translate` does and answers: a device is to carry it out.

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
        Asked::Translate,
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

const fn differs(name: &'static str, does: &'static str, word: &'static str) -> Case {
    case(
        name,
        does,
        Guest::Told(word),
        Asked::Translate,
        Expected::Differs,
    )
}

pub(super) const CASES: &[Case] = &[
    told(
        "translate-loops",
        "Loops.",
        "loop",
        "timed-out",
        "the most that it may take",
    ),
    told(
        "translate-traps",
        "Traps.",
        "trap",
        "trapped",
        "unreachable",
    ),
    told(
        "translate-eats-memory",
        "Takes all memory.",
        "eat-memory",
        "out-of-memory",
        "more than 64 MiB",
    ),
    told(
        "translate-recurses",
        "Calls itself.",
        "recurse",
        "stack-overflow",
        "stack of 512 KiB",
    ),
    told(
        "translate-giant",
        "Answers with an input of 5 MiB for each profile.",
        "giant",
        "answer-too-large",
        "larger than 4 MiB",
    ),
    answers(
        "translate-too-many",
        "Answers once more than it was asked.",
        "twice",
        "asked about 3 profiles and gave 4 answers",
    ),
    answers(
        "translate-too-few",
        "Leaves a profile out.",
        "not-at-all",
        "asked about 3 profiles and gave 2 answers",
    ),
    differs(
        "translate-swapped",
        "Answers in another order than it was asked.",
        "swapped",
    ),
    differs(
        "translate-counts-devices",
        "Answers by the number of devices.",
        "counts-devices",
    ),
    differs(
        "translate-looks-at-neighbours",
        "Answers by how many profiles it is asked about.",
        "looks-at-neighbours",
    ),
    answers(
        "translate-refuses-without-error",
        "Refuses settings, and has nothing against them.",
        "refuse-without-error",
        "none of its findings is an error",
    ),
    answers(
        "command-without-steps",
        "Makes a command without a step.",
        "no-steps",
        "at least one step",
    ),
    answers(
        "command-of-many-steps",
        "Makes a command of 33 steps.",
        "33-steps",
        "33 entries; at most 32",
    ),
    answers(
        "command-large",
        "Makes a command of 2.5 MB.",
        "large-command",
        "at most 2097152 are taken",
    ),
    answers(
        "program-path",
        "Names a program by its path.",
        "path",
        "\"/bin/sh\" is no name of a program",
    ),
    answers(
        "program-newline",
        "Names a program with a line feed in it.",
        "program-newline",
        "\"act\\nrm\" is no name of a program",
    ),
    answers(
        "program-empty",
        "Names no program.",
        "program-empty",
        "\"\" is no name of a program",
    ),
    answers(
        "argument-zero-byte",
        "Gives an argument with a zero byte.",
        "zero-byte",
        "0/steps/0/arguments/1: a zero byte",
    ),
    answers(
        "argument-long",
        "Gives an argument of 200 kB.",
        "long-argument",
        "it has 200000 bytes; at most 131071",
    ),
    answers(
        "arguments-many",
        "Gives 1,001 arguments.",
        "many-arguments",
        "0/steps/0/arguments: it has 1001 entries",
    ),
    answers(
        "secret-without-name",
        "Wants a secret without a name.",
        "secret-without-name",
        "is no name of a secret",
    ),
    answers(
        "environment-zero-byte",
        "Gives a variable with a zero byte in its value.",
        "zero-byte-in-environment",
        "0/steps/0/environment/A: a zero byte",
    ),
    answers(
        "environment-newline",
        "Gives a variable with a line feed in its name.",
        "environment-name-newline",
        "\"A\\nB\" is no name of a variable",
    ),
    answers(
        "environment-twice",
        "Gives a variable twice.",
        "environment-twice",
        "\"A\" stands there twice",
    ),
    answers(
        "environment-preload",
        "Has the loader bring its own code into the program.",
        "environment-preload",
        "\"LD_PRELOAD\" decides which code a program runs",
    ),
    answers(
        "environment-path",
        "Says where programs are looked for.",
        "environment-path",
        "\"PATH\" decides which code a program runs",
    ),
    answers(
        "input-long",
        "Gives an input of more than 1 MiB.",
        "long-input",
        "0/steps/0/standard-input: it has 1100000 bytes",
    ),
    answers(
        "step-without-time",
        "Gives a step no time.",
        "no-time",
        "0/steps/0/time-limit: 0 s is no time limit",
    ),
    answers(
        "step-endless",
        "Gives a step 136 years.",
        "endless-time",
        "0/steps/0/time-limit: 4294967295 s",
    ),
    answers(
        "statuses-backwards",
        "Means statuses from 0 to -1.",
        "status-backwards",
        "0 to -1 is no range",
    ),
    answers(
        "statuses-many",
        "Means 301 ranges of statuses.",
        "statuses-many",
        "0/steps/0/statuses: it has 301 entries",
    ),
    answers(
        "progress-without-group",
        "Reads progress by a pattern that has none.",
        "progress-without-group",
        "has neither a group `percent`",
    ),
    answers(
        "progress-huge",
        "Reads progress by a pattern that would be huge on devices.",
        "progress-huge-regex",
        "larger than 256 KiB when compiled",
    ),
    answers(
        "keep-bad-pattern",
        "Keeps lines by a pattern that is none.",
        "bad-regex",
        "the pattern \"(\" does not compile",
    ),
    answers(
        "keep-huge-pattern",
        "Keeps lines by a pattern that would be huge on devices.",
        "huge-regex",
        "0/steps/0/keep/lines",
    ),
    answers(
        "keep-much",
        "Keeps 4 GiB of output.",
        "keep-much",
        "0/steps/0/keep/head",
    ),
    answers(
        "keep-many-lines",
        "Keeps four thousand million lines.",
        "keep-many-lines",
        "0/steps/0/keep/most-lines",
    ),
];
