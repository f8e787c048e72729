//! All cases, by what is wrong and when.

mod description;
mod file;
mod import;
mod instance;
mod interpret;
mod memory;
mod migrate;
mod proposal;
mod translate;
mod validate;

use crate::case::{Asked, Case, Expected, Guest};
use anyhow::Result;

/// Every case, those of loading first.
pub fn all() -> impl Iterator<Item = &'static Case> {
    [
        file::CASES,
        proposal::CASES,
        import::CASES,
        instance::CASES,
        description::CASES,
        validate::CASES,
        memory::CASES,
        translate::CASES,
        interpret::CASES,
        migrate::CASES,
    ]
    .into_iter()
    .flatten()
}

const fn case(
    name: &'static str,
    does: &'static str,
    guest: Guest,
    asked: Asked,
    expected: Expected,
) -> Case {
    Case {
        name,
        does,
        guest,
        asked,
        expected,
    }
}

/// A component that is made, and refused when it is loaded.
const fn refused(
    name: &'static str,
    does: &'static str,
    made: fn() -> Result<Vec<u8>>,
    kind: &'static str,
    says: &'static str,
) -> Case {
    let expected = Expected::Error(kind, says);
    case(name, does, Guest::Made(made), Asked::Load, expected)
}
