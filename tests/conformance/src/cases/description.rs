//! What a plug-in says of itself.

use super::{case, refused};
use crate::case::{Asked, Case, Expected, Guest};
use crate::module::Module;

const fn describes(
    name: &'static str,
    does: &'static str,
    behaviour: &'static str,
    kind: &'static str,
    says: &'static str,
) -> Case {
    case(
        name,
        does,
        Guest::Loads(behaviour),
        Asked::Load,
        Expected::Error(kind, says),
    )
}

/// Its description breaks the contract, at a place that the error names.
const fn says(
    name: &'static str,
    does: &'static str,
    behaviour: &'static str,
    place: &'static str,
) -> Case {
    describes(name, does, behaviour, "description", place)
}

macro_rules! raw {
    ($name:literal, $does:literal, $describe:literal, $kind:literal, $says:literal) => {
        refused(
            $name,
            $does,
            || {
                let memory = r#"(memory (export "memory") 960)"#.into();
                Module {
                    memory,
                    describe: Some($describe.into()),
                    ..Module::default()
                }
                .component()
            },
            $kind,
            $says,
        )
    };
}

pub(super) const CASES: &[Case] = &[
    describes(
        "describe-loops",
        "Loops in `describe`.",
        "describe-loops",
        "timed-out",
        "the most that it may take",
    ),
    describes(
        "describe-traps",
        "Traps in `describe`.",
        "describe-traps",
        "trapped",
        "unreachable",
    ),
    describes(
        "describe-panics",
        "Panics in `describe`.",
        "describe-panics",
        "trapped",
        "it trapped: ",
    ),
    describes(
        "describe-eats-memory",
        "Takes all memory in `describe`.",
        "describe-eats-memory",
        "out-of-memory",
        "more than 64 MiB of memory",
    ),
    describes(
        "describe-recurses",
        "Calls itself in `describe`.",
        "describe-recurses",
        "stack-overflow",
        "stack of 512 KiB",
    ),
    describes(
        "describe-giant",
        "Describes itself with a name of 2 MiB.",
        "describe-giant",
        "answer-too-large",
        "larger than 1 MiB",
    ),
    describes(
        "describe-calls-wasi",
        "Looks at the clock in `describe`.",
        "describe-calls-wasi",
        "trapped",
        "which no plug-in has",
    ),
    raw!(
        "describe-out-of-range",
        "Gives a description that lies beyond its memory.",
        "(i32.const -4)",
        "trapped",
        "out of bounds"
    ),
    raw!(
        "describe-unaligned",
        "Gives a description at an odd address.",
        "(i32.const 17)",
        "trapped",
        "not aligned"
    ),
    raw!(
        "describe-many-empty-task-types",
        "Gives 600,000 task types, all of them empty.",
        "(i32.store (i32.const 304) (i32.const 65536)) (i32.store (i32.const 308) (i32.const 600000)) (i32.const 256)",
        "answer-too-large",
        "larger than 1 MiB"
    ),
    raw!(
        "describe-endless-list",
        "Gives a list of four thousand million task types.",
        "(i32.store (i32.const 304) (i32.const 65536)) (i32.store (i32.const 308) (i32.const -1)) (i32.const 256)",
        "trapped",
        "it trapped"
    ),
    raw!(
        "describe-bad-utf-8",
        "Gives a name that is no text.",
        "(i32.store (i32.const 128) (i32.const -1)) (i32.store (i32.const 264) (i32.const 128)) (i32.store (i32.const 268) (i32.const 4)) (i32.const 256)",
        "trapped",
        "utf-8"
    ),
    says(
        "application-bad",
        "Names no application.",
        "application-bad",
        "application: \"clamav\" is no application id",
    ),
    says(
        "application-control-characters",
        "Hides a control character in its application’s id.",
        "application-control-characters",
        "application: ",
    ),
    says(
        "version-bad",
        "Has a version that is none.",
        "version-bad",
        "version: ",
    ),
    says(
        "manages-bad",
        "Manages versions that are none.",
        "manages-bad",
        "manages: ",
    ),
    says(
        "name-long",
        "Has a name of 101 bytes.",
        "name-too-long",
        "name: it has 101 bytes; at most 100 are taken",
    ),
    says(
        "name-bidirectional",
        "Turns the letters of its name round.",
        "name-bidirectional",
        "name: it holds the control character '\\u{202e}'",
    ),
    says(
        "title-control-characters",
        "Clears the terminal by a title.",
        "title-control-characters",
        "task-types/0/title: it holds the control character '\\u{1b}'",
    ),
    says(
        "summary-empty",
        "Has a task type without a summary.",
        "summary-empty",
        "task-types/0/summary: it is empty",
    ),
    says(
        "more-many",
        "Has 101 further names and values.",
        "more-many",
        "more: it has 101 entries",
    ),
    says(
        "capability-bad-name",
        "Asks for a capability by a path.",
        "capability-bad-name",
        "there is no \"../files\" on this server",
    ),
    says(
        "limit-twice",
        "Asks for the same limit twice.",
        "limit-twice",
        "limits/1: this limit stands there twice",
    ),
    says(
        "task-types-none",
        "Has no task type.",
        "task-types-none",
        "task-types: there is none",
    ),
    says(
        "task-types-many",
        "Has 101 task types.",
        "task-types-101",
        "task-types: it has 101 entries; at most 100",
    ),
    says(
        "task-type-twice",
        "Has two task types of one id.",
        "task-type-twice",
        "task-types: \"act\" stands there twice",
    ),
    says(
        "task-type-bad-id",
        "Has a task type whose id is a sentence.",
        "task-type-bad-id",
        "task-types/0/id: ",
    ),
    says(
        "kinds-none",
        "Has a task type for no kind of task.",
        "kinds-none",
        "task-types/0/kinds: ",
    ),
    says(
        "kind-twice",
        "Names a kind of task twice.",
        "kind-twice",
        "task-types/0/kinds: something stands there twice",
    ),
    says(
        "time-limit-zero",
        "Has a time limit of nothing.",
        "time-limit-zero",
        "task-types/0/time-limit: ",
    ),
    says(
        "time-limit-endless",
        "Has a time limit of 136 years.",
        "time-limit-endless",
        "task-types/0/time-limit: 4294967295 s",
    ),
    says(
        "facts-many",
        "Reads 51 facts of a device.",
        "facts-many",
        "task-types/0/facts: it has 51 entries",
    ),
    says(
        "event-type-twice",
        "Has two event types of one id.",
        "event-type-twice",
        "task-types/0/event-types: \"found\" stands there twice",
    ),
    says(
        "event-types-many",
        "Has 101 event types.",
        "event-types-many",
        "task-types/0/event-types: it has 101 entries",
    ),
    says(
        "event-schema-not-schema",
        "Has an event type whose schema is none.",
        "event-schema-not-schema",
        "task-types/0/event-types/0/fields-schema/required: ",
    ),
    says(
        "schema-version-zero",
        "Counts schema versions from 0.",
        "schema-version-zero",
        "task-types/0/schema-version: ",
    ),
    case(
        "schema-version-later",
        "Begins with schema version 2; as it has `migrate`, that is its right.",
        Guest::Loads("schema-version-without-migrate"),
        Asked::Load,
        Expected::Harmless,
    ),
    says(
        "schema-not-json",
        "Has a schema that is no JSON.",
        "schema-not-json",
        "task-types/0/settings-schema: it is no JSON",
    ),
    says(
        "schema-not-object",
        "Has a schema that takes everything.",
        "schema-not-object",
        "a schema is a JSON object",
    ),
    says(
        "schema-not-schema",
        "Has a schema that is JSON and no schema.",
        "schema-not-schema",
        "task-types/0/settings-schema/maxLength: ",
    ),
    says(
        "schema-other-dialect",
        "Has a schema of another dialect.",
        "schema-other-dialect",
        "only JSON Schema 2020-12",
    ),
    says(
        "schema-refers-to-file",
        "Refers from its schema to a file of the server.",
        "schema-refers-outside",
        "\"file:///etc/passwd\" leads to no place",
    ),
    says(
        "schema-refers-to-network",
        "Refers from its schema to an address.",
        "schema-refers-to-network",
        "\"https://example.org/schema\" leads to no place",
    ),
    says(
        "schema-dynamic",
        "Refers from its schema to where nobody can follow beforehand.",
        "schema-dynamic",
        "this keyword is not taken",
    ),
    says(
        "schema-circle",
        "Has a schema that refers to itself.",
        "schema-circle",
        "leads back to itself",
    ),
    says(
        "schema-doubles",
        "Has a schema that doubles sixty times.",
        "schema-doubles",
        "more than 20000 schemas",
    ),
    says(
        "schema-levels-many",
        "Has a schema that refers on five thousand times.",
        "schema-levels-many",
        "nested deeper than 100 levels",
    ),
    says(
        "schema-deep",
        "Has a schema nested 100,000 levels deep.",
        "schema-deep",
        "it is no JSON: recursion limit",
    ),
    says(
        "schema-enum-huge",
        "Has an enumeration of 100,000 values.",
        "schema-enum-huge",
        "its enumerations have 100000 values; at most 10000",
    ),
    says(
        "schema-patterns-many",
        "Has 201 patterns in a schema.",
        "schema-patterns-many",
        "it has 201 patterns",
    ),
    says(
        "schema-pattern-bad",
        "Has a pattern that is none.",
        "schema-bad-regex",
        "task-types/0/settings-schema",
    ),
    says(
        "schema-pattern-huge",
        "Has a pattern that would be huge when compiled.",
        "schema-huge-regex",
        "task-types/0/settings-schema",
    ),
    says(
        "schema-pattern-looks-around",
        "Has a pattern that needs an engine which goes back.",
        "schema-look-around",
        "task-types/0/settings-schema",
    ),
    case(
        "schema-pattern-backtracks",
        "Has a pattern that takes other engines for ever, and settings that make it so.",
        Guest::Loads("schema-backtracks"),
        Asked::Validate,
        Expected::Error("settings-refused", "schema-pattern"),
    ),
    says(
        "examples-none",
        "Has no example.",
        "examples-none",
        "task-types/0/examples: there is none",
    ),
    says(
        "examples-many",
        "Has 101 examples.",
        "examples-many",
        "task-types/0/examples: it has 101 entries",
    ),
    says(
        "example-not-json",
        "Has an example that is no JSON.",
        "example-not-json",
        "task-types/0/examples/0/settings: ",
    ),
    says(
        "example-deep",
        "Has an example nested 10,000 levels deep.",
        "example-deep",
        "task-types/0/examples/0/settings: ",
    ),
    says(
        "example-against-schema",
        "Has an example that its own schema refuses.",
        "example-against-schema",
        "the task type's own schema refuses it",
    ),
    says(
        "example-against-validate",
        "Has an example that its own `validate` refuses.",
        "example-against-validate",
        "the plug-in's own `validate` refuses it: Bad.",
    ),
];
