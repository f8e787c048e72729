//! What a component wants from its host, or does not have for it.

use super::{case, refused};
use crate::case::{Asked, Case, Expected, Guest};
use crate::component::{of, with_exports, with_exports_of};

const REFUSED: &str = "file-refused";
const CONTRACT: &str = "contract";

/// In `validate`, the Rust guest calls what WASI would give.
const fn wasi(
    name: &'static str,
    does: &'static str,
    word: &'static str,
    says: &'static str,
) -> Case {
    case(
        name,
        does,
        Guest::Told(word),
        Asked::Validate,
        Expected::Error("trapped", says),
    )
}

pub(super) const CASES: &[Case] = &[
    refused(
        "import-foreign",
        "Imports an interface of somebody else.",
        || with_exports(r#"(import "evil:corp/exec@1.0.0" (instance))"#),
        REFUSED,
        "it imports evil:corp/exec@1.0.0, which this server does not offer",
    ),
    refused(
        "import-unknown-of-muster",
        "Imports an interface that the contract does not have.",
        || with_exports(r#"(import "muster:plugin/shell@1.0.0" (instance))"#),
        REFUSED,
        "it imports muster:plugin/shell@1.0.0",
    ),
    refused(
        "import-other-major",
        "Imports the log of another major version.",
        || with_exports(r#"(import "muster:plugin/log@2.0.0" (instance))"#),
        REFUSED,
        "it imports muster:plugin/log@2.0.0",
    ),
    refused(
        "import-newer-function",
        "Imports a function that a newer log may have.",
        || {
            with_exports(
                r#"(import "muster:plugin/log@1.4.0" (instance (export "log-fields" (func))))"#,
            )
        },
        CONTRACT,
        "log-fields",
    ),
    refused(
        "import-log-of-other-shape",
        "Imports the log with other parameters.",
        || {
            with_exports(
                r#"(import "muster:plugin/log@1.0.0" (instance (export "log" (func (param "level" u64)))))"#,
            )
        },
        CONTRACT,
        "log",
    ),
    refused(
        "import-bare-function",
        "Imports a function without an interface.",
        || with_exports(r#"(import "exec" (func))"#),
        REFUSED,
        "it imports exec",
    ),
    refused(
        "import-module",
        "Imports a core module.",
        || with_exports(r#"(import "code" (core module))"#),
        REFUSED,
        "it imports code",
    ),
    refused(
        "export-nothing",
        "Exports nothing.",
        || of("(component (core module))"),
        REFUSED,
        "it exports nothing",
    ),
    refused(
        "export-other-world",
        "Is a component of another world.",
        || {
            of(
                r#"(component (instance $i) (export "wasi:http/incoming-handler@0.2.0" (instance $i)))"#,
            )
        },
        REFUSED,
        "it exports wasi:http/incoming-handler@0.2.0",
    ),
    refused(
        "export-other-major",
        "Follows another major version of the contract.",
        || with_exports_of("2.0.0", ""),
        REFUSED,
        "it exports muster:plugin/describe@2.0.0",
    ),
    refused(
        "export-part",
        "Lacks `translate`.",
        || {
            of(
                r#"(component (instance $i) (export "muster:plugin/describe@1.0.0" (instance $i)) (export "muster:plugin/validate@1.0.0" (instance $i)))"#,
            )
        },
        REFUSED,
        "it does not export muster:plugin/translate@1",
    ),
    refused(
        "export-empty",
        "Has the interfaces and no function in them.",
        || with_exports(""),
        CONTRACT,
        "describe",
    ),
    refused(
        "export-other-shape",
        "Has functions of another shape.",
        || {
            let functions = r#"(core module $m (func (export "f") (result i32) (i32.const 1)))
            (core instance $i (instantiate $m)) (func $f (result u32) (canon lift (core func $i "f")))
            (instance $d (export "describe" (func $f))) (instance $v (export "validate" (func $f)))
            (instance $t (export "translate" (func $f)))"#;
            let exports: String = [("describe", "d"), ("validate", "v"), ("translate", "t")]
                .map(|(name, instance)| {
                    format!(r#"(export "muster:plugin/{name}@1.0.0" (instance ${instance}))"#)
                })
                .concat();
            of(&format!("(component {functions} {exports})"))
        },
        CONTRACT,
        "failed to convert function to given type",
    ),
    wasi("wasi-file", "Reads a file.", "read-file", "wasi:filesystem"),
    wasi(
        "wasi-socket",
        "Opens a socket.",
        "open-socket",
        "wasi:sockets",
    ),
    wasi(
        "wasi-poll",
        "Waits for an hour.",
        "sleep",
        "which no plug-in has",
    ),
    wasi("wasi-exit", "Ends its process.", "exit", "wasi:cli/exit"),
    wasi(
        "wasi-input",
        "Reads standard input.",
        "read-input",
        "wasi:cli/stdin",
    ),
    wasi(
        "wasi-clock",
        "Looks at the clock and prints it.",
        "call-wasi",
        "which no plug-in has",
    ),
    case(
        "wasi-environment",
        "Reads the environment, which is empty for it.",
        Guest::Told("environment"),
        Asked::Validate,
        Expected::Harmless,
    ),
];
