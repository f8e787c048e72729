//! What no Rust program does: answers that are no answers, and an allocator that lies.

use super::case;
use crate::case::{Asked, Case, Expected, Guest};
use crate::module::{Module, WELL};

/// A plug-in whose module has a field of [`Module`] set to a text.
macro_rules! raw {
    ($name:literal, $does:literal, $asked:ident, { $($field:ident: $text:expr),+ }, $expected:expr) => {
        case($name, $does, Guest::Made(|| {
            Module { $($field: $text.into(),)+ ..Module::default() }.component()
        }), Asked::$asked, $expected)
    };
}

const fn trap(says: &'static str) -> Expected {
    Expected::Error("trapped", says)
}

const TIMED_OUT: Expected = Expected::Error("timed-out", "the most that it may take");
const DEEP: Expected = Expected::Error("stack-overflow", "stack of 512 KiB");

/// A verdict at 32, whose findings are so many, from an address on.
macro_rules! findings {
    ($at:literal, $count:literal, $more:literal) => {
        concat!(
            "(i32.store (i32.const 36) (i32.const ",
            $at,
            ")) (i32.store (i32.const 40) (i32.const ",
            $count,
            ")) ",
            $more,
            " (i32.const 32)"
        )
    };
}

pub(super) const CASES: &[Case] = &[
    raw!("realloc-traps", "Traps when it is asked for room.", Validate, { realloc: "unreachable" }, trap("unreachable")),
    raw!("realloc-loops", "Loops when it is asked for room.", Validate, { realloc: "(loop (br 0)) (i32.const 0)" }, TIMED_OUT),
    raw!("realloc-recurses", "Calls itself when it is asked for room.", Validate, { realloc: "(call $again)", more: "(func $again (result i32) (call $again))" }, DEEP),
    raw!("realloc-out-of-range", "Gives room beyond its memory.", Validate, { realloc: "(i32.const -16)" }, trap("beyond end of memory")),
    raw!("realloc-at-the-end", "Gives room of which the last byte is beyond its memory.", Validate, { realloc: "(i32.sub (i32.const 131073) (local.get 3))" }, trap("beyond end of memory")),
    raw!("realloc-same-place", "Gives the same room for everything.", Validate, { realloc: "(i32.const 65536)" }, Expected::Harmless),
    raw!("realloc-unaligned", "Gives room at an odd address, for a list.", Translate, { realloc: "(i32.const 65537)" }, trap("aligned")),
    raw!("realloc-calls-host", "Calls the host when it is asked for room.", Validate, { realloc: "(call $log (i32.const 1) (i32.const 1024) (i32.const 3)) (i32.const 65536)" }, trap("trap")),
    raw!("realloc-eats-memory", "Takes all memory when it is asked for room.", Validate, { realloc: "(loop (br_if 0 (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) unreachable" }, Expected::Error("out-of-memory", "more than 64 MiB")),
    raw!("answer-out-of-range", "Answers at an address beyond its memory.", Validate, { validate: "(i32.const -4)" }, trap("out of bounds")),
    raw!("answer-unaligned", "Answers at an odd address.", Validate, { validate: "(i32.const 33)" }, trap("aligned")),
    raw!("answer-neither-good-nor-bad", "Answers neither a verdict nor a failure.", Validate, { validate: "(i32.store8 (i32.const 32) (i32.const 7)) (i32.const 32)" }, trap("discriminant")),
    raw!("answer-unknown-failure", "Fails in a way that the contract does not have.", Validate, { validate: "(i32.store8 (i32.const 32) (i32.const 1)) (i32.store8 (i32.const 36) (i32.const 9)) (i32.const 32)" }, trap("discriminant")),
    raw!("answer-unknown-level", "Finds something of a level that the contract does not have.", Validate, { validate: findings!("256", "1", "(i32.store8 (i32.const 256) (i32.const 99))") }, trap("discriminant")),
    raw!("answer-bad-utf-8", "Finds something whose text is no text.", Validate, { validate: findings!("256", "1", "(i32.store (i32.const 128) (i32.const -1)) (i32.store (i32.const 276) (i32.const 128)) (i32.store (i32.const 280) (i32.const 4))") }, trap("utf-8")),
    raw!("answer-text-out-of-range", "Finds something whose text lies beyond its memory.", Validate, { validate: findings!("256", "1", "(i32.store (i32.const 276) (i32.const 131000)) (i32.store (i32.const 280) (i32.const 4096))") }, trap("out of bounds")),
    raw!("answer-list-out-of-range", "Finds four thousand million things.", Validate, { validate: findings!("256", "-1", "") }, trap("it trapped")),
    raw!("answer-millions-of-nothing", "Finds a million and a half things, all of them empty.", Validate, { memory: r#"(memory (export "memory") 960)"#, validate: findings!("65536", "1500000", "") }, Expected::Error("answer-too-large", "larger than 4 MiB")),
    raw!("answer-nothing-to-translate", "Answers a question about three profiles with nothing.", Translate, { translate: WELL }, Expected::Error("invalid-answer", "asked about 3 profiles and gave 0 answers")),
    raw!("answer-unknown-refusal", "Refuses a profile in a way that the contract does not have.", Translate, { translate: "(i32.store (i32.const 48) (i32.const 65536)) (i32.store (i32.const 52) (i32.const 1)) (i32.store8 (i32.const 65536) (i32.const 1)) (i32.store8 (i32.const 65540) (i32.const 77)) (i32.const 48)" }, trap("discriminant")),
    case(
        "after-answer-traps",
        "Traps after its answer was read.",
        Guest::Made(|| {
            Module {
                after_validate: Some("unreachable".into()),
                ..Module::default()
            }
            .component()
        }),
        Asked::Validate,
        trap("unreachable"),
    ),
    case(
        "after-answer-loops",
        "Loops after its answer was read.",
        Guest::Made(|| {
            Module {
                after_validate: Some("(loop (br 0))".into()),
                ..Module::default()
            }
            .component()
        }),
        Asked::Validate,
        TIMED_OUT,
    ),
    case(
        "after-answer-calls-host",
        "Calls the host after its answer was read.",
        Guest::Made(|| {
            Module {
                after_validate: Some(
                    "(call $log (i32.const 1) (i32.const 1024) (i32.const 3))".into(),
                ),
                ..Module::default()
            }
            .component()
        }),
        Asked::Validate,
        trap("trap"),
    ),
    raw!("log-out-of-range", "Logs a line that lies beyond its memory.", Validate, { validate: "(call $log (i32.const 1) (i32.const -2) (i32.const 100)) (i32.const 16)" }, trap("out of bounds")),
    raw!("log-bad-utf-8", "Logs a line that is no text.", Validate, { validate: "(i32.store (i32.const 128) (i32.const -1)) (call $log (i32.const 1) (i32.const 128) (i32.const 4)) (i32.const 16)" }, trap("utf-8")),
    raw!("log-unknown-level", "Logs at a level that the contract does not have.", Validate, { validate: "(call $log (i32.const 77) (i32.const 1024) (i32.const 3)) (i32.const 16)" }, trap("discriminant")),
    raw!("log-for-ever", "Logs for ever.", Validate, { validate: "(loop (call $log (i32.const 0) (i32.const 1024) (i32.const 3)) (br 0)) (i32.const 16)" }, TIMED_OUT),
    raw!("table-grows", "Makes its table larger and larger.", Validate, { validate: "(loop (br_if 0 (i32.ne (table.grow $t (ref.null func) (i32.const 1000)) (i32.const -1)))) unreachable", more: "(table $t 1 funcref)" }, Expected::Error("table-too-large", "more than 50000 elements")),
    raw!("bulk-without-loop", "Fills 60 MiB thousands of times, with no loop in which it could be stopped.", Validate, { memory: r#"(memory (export "memory") 960)"#, validate: format!("{} (i32.const 16)", "(memory.fill (i32.const 65536) (i32.const 1) (i32.const 62000000))".repeat(5000)) }, TIMED_OUT),
    raw!("recursion-by-table", "Calls itself through a table.", Validate, { validate: "(call_indirect $t (result i32) (i32.const 0))", more: "(table $t 1 funcref) (elem (table $t) (i32.const 0) func $r) (func $r (result i32) (call_indirect $t (result i32) (i32.const 0)))" }, DEEP),
    raw!("recursion-with-large-frames", "Calls itself with a thousand variables each time.", Validate, { validate: "(call $r (i64.const 1)) (i32.const 16)", more: format!("(func $r (param i64) (local {}) {} (call $r (i64.add (local.get 0) (i64.const 1))) {})", "i64 ".repeat(1000), (1..1000).map(|n| format!("(local.set {n} (i64.mul (local.get 0) (local.get {})))", n - 1)).collect::<Vec<_>>().concat(), (1..1000).map(|n| format!("(global.set $g (i64.add (global.get $g) (local.get {n})))")).collect::<Vec<_>>().concat()) + "(global $g (mut i64) (i64.const 0))" }, DEEP),
    raw!("call-of-nothing", "Calls a function that is not in its table.", Validate, { validate: "(call_indirect $t (result i32) (i32.const 0))", more: "(table $t 1 funcref)" }, trap("uninitialized element")),
    raw!("call-of-other-shape", "Calls a function by another shape than it has.", Validate, { validate: "(call_indirect $t (result i32) (i32.const 0))", more: "(table $t 1 funcref) (elem (table $t) (i32.const 0) func $r) (func $r)" }, trap("indirect call type mismatch")),
    raw!("division-by-zero", "Divides by zero.", Validate, { validate: "(i32.div_u (i32.const 1) (i32.const 0))" }, trap("divide by zero")),
];
