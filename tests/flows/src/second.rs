//! A second revision of ClamAV's plug-in: the same component with a few texts in its data changed, as
//! a vendor's next release changes them. Each shows in an answer of one function.

use anyhow::{Result, ensure};
use muster_test_harness::Programs;

/// The version that it says it has.
pub const SECOND_VERSION: &str = "0.2.0";

/// What the first one passes to the scanner, and what the second one does.
pub const SCANNER_ARGUMENTS: [&str; 2] = ["--max-dir-recursion=1000", "--max-dir-recursion=1001"];

/// How the first and the second call what was found.
pub const FOUND: [&str; 2] = ["threat in", "THREAT in"];

/// How the warning begins that the first and the second have for a limit without effect.
pub const WARNED: [&str; 2] = [
    "Archives are not looked into",
    "ARCHIVES are not looked into",
];

/// Changes a text of a component for another one of the same length.
fn change(component: &mut [u8], before: &str, after: &str) -> Result<()> {
    ensure!(
        before.len() == after.len(),
        "{before} and {after} differ in length"
    );
    let places: Vec<usize> = component
        .windows(before.len())
        .enumerate()
        .filter(|(_, window)| *window == before.as_bytes())
        .map(|(place, _)| place)
        .collect();
    let [place] = places[..] else {
        anyhow::bail!(
            "{before:?} stands at {} places of the component",
            places.len()
        );
    };
    for (byte, new) in component.iter_mut().skip(place).zip(after.bytes()) {
        *byte = new;
    }
    Ok(())
}

/// ClamAV's plug-in as it is.
pub fn first_clamav(programs: &Programs) -> Result<Vec<u8>> {
    Ok(std::fs::read(programs.plugin("clamav")?)?)
}

/// The same with a higher version, and nothing else.
pub fn clamav_of_version(programs: &Programs, version: &str) -> Result<Vec<u8>> {
    let mut component = first_clamav(programs)?;
    let before = format!("{}>=0.101", env!("CARGO_PKG_VERSION"));
    change(&mut component, &before, &format!("{version}>=0.101"))?;
    Ok(component)
}

/// A second revision, which validates, translates and interprets otherwise.
pub fn second_clamav(programs: &Programs) -> Result<Vec<u8>> {
    let mut component = clamav_of_version(programs, SECOND_VERSION)?;
    let [before, after] = SCANNER_ARGUMENTS;
    change(&mut component, before, after)?;
    change(
        &mut component,
        "threatfile names imitate",
        "THREATfile names imitate",
    )?;
    let [before, after] = WARNED;
    change(&mut component, before, after)?;
    Ok(component)
}
