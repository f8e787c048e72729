//! Files that are no plug-in at all, or too much of one.

use super::{case, refused};
use crate::case::{Asked, Case, Expected, Guest};
use crate::{component, rust};

/// Sections, exports and the like, so many times.
fn times(count: usize, text: &str) -> String {
    text.repeat(count)
}

const REFUSED: &str = "file-refused";

pub(super) const CASES: &[Case] = &[
    refused(
        "file-empty",
        "Is empty.",
        || Ok(vec![]),
        REFUSED,
        "cut short",
    ),
    refused(
        "file-text",
        "Is a text file.",
        || Ok(b"#!/bin/sh\nrm -rf /\n".to_vec()),
        REFUSED,
        "it begins with \"#!/bin/sh",
    ),
    refused(
        "file-header-alone",
        "Ends behind its header.",
        || component::of("(component)"),
        REFUSED,
        "does not export muster:plugin/describe@1",
    ),
    refused(
        "file-core-module",
        "Is a core module.",
        || component::of("(module)"),
        REFUSED,
        "wasm32-wasip2",
    ),
    refused(
        "file-cut-in-half",
        "A good plug-in, cut in half.",
        || component::cut(1, 2),
        REFUSED,
        "cut short or damaged",
    ),
    refused(
        "file-cut-at-end",
        "A good plug-in without its last tenth.",
        || component::cut(9, 10),
        REFUSED,
        "cut short or damaged",
    ),
    case(
        "file-bit-flipped",
        "A good plug-in with one bit turned, in its code.",
        Guest::Made(|| component::flipped(100_000, usize::MAX)),
        Asked::Load,
        Expected::Either,
    ),
    case(
        "file-bits-flipped",
        "A good plug-in with a bit turned in each 4 KiB.",
        Guest::Made(|| component::flipped(5000, 4096)),
        Asked::Load,
        Expected::Either,
    ),
    case(
        "file-bits-flipped-densely",
        "A good plug-in with a bit turned in each 100 bytes.",
        Guest::Made(|| component::flipped(64, 100)),
        Asked::Load,
        Expected::Either,
    ),
    refused(
        "file-200-mib",
        "Is larger than a component may be.",
        || Ok(component::padded(component::with_exports("")?, 200 << 20)),
        REFUSED,
        "larger than 64 MiB, the most that is taken",
    ),
    case(
        "file-large-section",
        "Carries 40 MiB in a section that nobody reads.",
        Guest::Made(|| Ok(component::padded(rust::that("well")?, 40 << 20))),
        Asked::Load,
        Expected::Harmless,
    ),
    refused(
        "file-many-sections",
        "Has 20,001 sections.",
        || {
            let mut file = component::with_exports("")?;
            for _ in 0..20_001 {
                file = component::padded(file, 1);
            }
            Ok(file)
        },
        REFUSED,
        "more than 20000 sections",
    ),
    refused(
        "file-many-exports",
        "Exports 201 instances.",
        || {
            let many = (0..201)
                .map(|n| format!(r#"(export "a:b/c{n}@1.0.0" (instance $i))"#))
                .collect::<Vec<_>>()
                .concat();
            component::with_exports(&format!("(instance $i) {many}"))
        },
        REFUSED,
        "more than 200 exports",
    ),
    refused(
        "file-many-imports",
        "Imports 201 instances.",
        || {
            let many = (0..201)
                .map(|n| format!(r#"(import "a:b/c{n}@1.0.0" (instance))"#))
                .collect::<Vec<_>>()
                .concat();
            component::with_exports(&many)
        },
        REFUSED,
        "more than 200 imports",
    ),
    refused(
        "file-long-name",
        "Exports a name of 200,000 bytes.",
        || {
            component::with_exports(&format!(
                r#"(instance $i) (export "a:b/{}@1.0.0" (instance $i))"#,
                times(200_000, "c")
            ))
        },
        REFUSED,
        "cut short or damaged",
    ),
    refused(
        "file-nested",
        "Nests components eight levels deep.",
        || component::with_exports(&format!("{}{}", times(8, "(component "), times(8, ")"))),
        REFUSED,
        "more than 6 levels of components",
    ),
    refused(
        "file-many-components",
        "Holds 17 components.",
        || component::with_exports(&times(17, "(component)")),
        REFUSED,
        "more than 16 components within it",
    ),
    refused(
        "file-many-modules",
        "Holds 129 core modules.",
        || component::with_exports(&times(129, "(core module)")),
        REFUSED,
        "more than 128 core modules",
    ),
    refused(
        "file-type-doubles",
        "Defines a type that doubles forty times.",
        || {
            let steps = (0..40)
                .map(|n| format!("(type $t{} (tuple $t{n} $t{n}))", n + 1))
                .collect::<Vec<_>>()
                .concat();
            component::with_exports(&format!("(type $t0 (tuple u8 u8)) {steps}"))
        },
        REFUSED,
        "type size",
    ),
    refused(
        "file-resource",
        "Defines a resource type.",
        || component::with_exports("(type (resource (rep i32)))"),
        REFUSED,
        "defines a resource type",
    ),
    refused(
        "file-nested-resource",
        "Defines a resource type in a component within it.",
        || component::with_exports("(component (type (resource (rep i32))))"),
        REFUSED,
        "defines a resource type",
    ),
    refused(
        "file-giant-function",
        "Has one function of 8 MB.",
        || component::with_functions(1, &[1; 8_000_000]),
        REFUSED,
        "damaged",
    ),
    refused(
        "file-many-locals",
        "Has a function with 60,000 variables.",
        || component::with_module(&format!("(func (local {}))", times(60_000, "i32 "))),
        "compiler-refused",
        "locals",
    ),
    refused(
        "file-many-functions",
        "Has 100,001 functions.",
        || component::with_functions(100_001, &[]),
        REFUSED,
        "more than 100000 functions",
    ),
    case(
        "file-deep-blocks",
        "Has 100,000 blocks, each in the one before: quick to compile, or not, as compilers go.",
        Guest::Made(|| {
            let mut body = [2, 0x40].repeat(100_000);
            body.resize(body.len() + 100_000, 0x0b);
            component::with_functions(1, &body)
        }),
        Asked::Load,
        Expected::Either,
    ),
    refused(
        "file-compile-bomb",
        "Keeps a compiler busy for minutes with 140 kB: 20,000 loops, each in the one before.",
        || {
            // Each loop ends with: if the parameter is not zero, begin it again.
            let mut body = [3, 0x40].repeat(20_000);
            body.extend([0x20, 0, 0x0d, 0, 0x0b].repeat(20_000));
            component::with_functions(1, &body)
        },
        "compiler-time",
        "the most that it may",
    ),
];
