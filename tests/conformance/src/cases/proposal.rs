//! Parts of WebAssembly that are switched off, as most faults of engines were found in them.

use super::refused;
use crate::case::Case;
use crate::component::{with_exports, with_module};

/// Found when the file is looked at, or, inside functions, by the compiler.
const FILE: (&str, &str) = ("file-refused", "damaged");
const CODE: (&str, &str) = ("compiler-refused", "the compiler refuses it");

macro_rules! off {
    ($name:literal, $does:literal, $module:literal, $found:ident) => {
        refused($name, $does, || with_module($module), $found.0, $found.1)
    };
}

pub(super) const CASES: &[Case] = &[
    off!(
        "proposal-threads",
        "Has a memory that threads share.",
        "(memory 1 1 shared)",
        FILE
    ),
    off!(
        "proposal-atomics",
        "Waits on an atomic variable.",
        "(memory 1) (func (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1))))",
        CODE
    ),
    off!(
        "proposal-memory64",
        "Has a memory of 64-bit addresses.",
        "(memory i64 1)",
        FILE
    ),
    off!(
        "proposal-multi-memory",
        "Has two memories in one module.",
        "(memory 1) (memory 1)",
        FILE
    ),
    off!("proposal-exceptions", "Has an exception.", "(tag)", FILE),
    off!(
        "proposal-gc",
        "Has a collected type.",
        "(type (struct))",
        FILE
    ),
    off!(
        "proposal-function-references",
        "Has a typed reference to a function.",
        "(type $t (func)) (func (param (ref $t)))",
        FILE
    ),
    off!(
        "proposal-tail-calls",
        "Calls by tail call.",
        "(func $f (return_call $f))",
        CODE
    ),
    off!(
        "proposal-relaxed-simd",
        "Uses an instruction whose result is up to the processor.",
        "(func (param v128) (result v128) (i32x4.relaxed_trunc_f32x4_s (local.get 0)))",
        CODE
    ),
    off!(
        "proposal-wide-arithmetic",
        "Uses 128-bit arithmetic.",
        "(func (param i64 i64 i64 i64) (result i64 i64) (i64.add128 (local.get 0) (local.get 1) (local.get 2) (local.get 3)))",
        CODE
    ),
    off!(
        "proposal-custom-pages",
        "Has pages of one byte.",
        "(memory 1 (pagesize 1))",
        FILE
    ),
    off!(
        "proposal-stack-switching",
        "Has a continuation.",
        "(type $f (func)) (type (cont $f))",
        FILE
    ),
    refused(
        "proposal-async",
        "Has a stream.",
        || with_exports("(type (stream u8))"),
        FILE.0,
        FILE.1,
    ),
    refused(
        "proposal-error-context",
        "Has an error context.",
        || with_exports("(type error-context)"),
        FILE.0,
        FILE.1,
    ),
];
