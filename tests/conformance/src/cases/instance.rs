//! What happens when a component is instantiated, before it is asked anything.

use super::{case, refused};
use crate::case::{Asked, Case, Expected, Guest};
use crate::component::with_exports;
use crate::module::Module;

/// A plug-in whose module has these fields too.
macro_rules! with {
    ($name:literal, $does:literal, $more:expr, $kind:literal, $says:literal) => {
        refused(
            $name,
            $does,
            || {
                let more = $more.to_string();
                Module {
                    more,
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
    case(
        "start-loops-in-rust",
        "Loops in a constructor of its language.",
        Guest::Loads("loop-at-start"),
        Asked::Load,
        Expected::Error("timed-out", "the most that it may take"),
    ),
    with!(
        "start-loops",
        "Loops in its start function.",
        "(start $s) (func $s (loop (br 0)))",
        "timed-out",
        "the most that it may take"
    ),
    with!(
        "start-traps",
        "Traps in its start function.",
        "(start $s) (func $s unreachable)",
        "trapped",
        "unreachable"
    ),
    with!(
        "start-recurses",
        "Calls itself in its start function.",
        "(start $s) (func $s (call $s))",
        "stack-overflow",
        "stack of 512 KiB"
    ),
    with!(
        "start-eats-memory",
        "Takes all memory in its start function.",
        "(start $s) (func $s (loop (br_if 0 (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable)",
        "out-of-memory",
        "more than 64 MiB"
    ),
    with!(
        "start-calls-host",
        "Logs in its start function, before the host may be called.",
        "(start $s) (func $s (call $log (i32.const 1) (i32.const 1024) (i32.const 3)))",
        "trapped",
        "trap"
    ),
    with!(
        "data-out-of-range",
        "Has data beyond its memory.",
        r#"(data (i32.const 0x7fffff00) "x")"#,
        "trapped",
        "out of bounds"
    ),
    with!(
        "elements-out-of-range",
        "Has table elements beyond its table.",
        "(table 1 funcref) (func $f) (elem (i32.const 5) $f)",
        "trapped",
        "out of bounds"
    ),
    refused(
        "memory-large-at-start",
        "Begins with 125 MiB of memory.",
        || {
            let memory = r#"(memory (export "memory") 2000)"#.into();
            Module {
                memory,
                ..Module::default()
            }
            .component()
        },
        "out-of-memory",
        "more than 64 MiB",
    ),
    with!(
        "table-large-at-start",
        "Begins with a table of ten million elements.",
        "(table 10000000 funcref)",
        "too-much",
        "table"
    ),
    with!(
        "many-tables",
        "Has 65 tables.",
        "(table 1 funcref)".repeat(65),
        "too-much",
        "tables"
    ),
    refused(
        "many-memories",
        "Has five memories, in five instances.",
        || {
            with_exports(&format!(
                "(core module $m (memory 1)) {}",
                "(core instance (instantiate $m))".repeat(5)
            ))
        },
        "too-much",
        "memories",
    ),
    refused(
        "many-instances",
        "Instantiates a module 129 times.",
        || {
            with_exports(&format!(
                "(core module $m) {}",
                "(core instance (instantiate $m))".repeat(129)
            ))
        },
        "too-much",
        "instances",
    ),
];
