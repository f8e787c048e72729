//! Tests that need a program which may not be installed.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;

/// A program and its Debian package on each line.
const PACKAGES: &str = include_str!("../../programs.txt");

/// The path of a program that the test needs. Without it the test is to end at once:
///
/// ```no_run
/// # fn test() {
/// let Some(clamscan) = muster_test_harness::needs("clamscan") else { return };
/// # }
/// ```
///
/// What is skipped so is not skipped quietly: a line goes to standard error and to the file that
/// `MUSTER_SKIPPED` names, which `cargo xtask test` sums up.
///
/// # Panics
/// With `CI=true`, where nothing may be skipped.
pub fn needs(program: &str) -> Option<PathBuf> {
    if let Some(path) = find(program) {
        return Some(path);
    }
    let package = PACKAGES
        .lines()
        .filter_map(|line| line.split_once(' '))
        .find_map(|(name, package)| (name == program).then_some(package));
    // The test runner names a test's thread after the test.
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let line = match package {
        Some(package) => format!("SKIPPED: {test}: needs {program} (Debian package {package})"),
        None => format!("SKIPPED: {test}: needs {program}"),
    };
    eprintln!("{line}");
    note(&line);
    let ci = std::env::var_os("CI").is_some_and(|value| value == "true");
    assert!(!ci, "{line}; with CI=true nothing may be skipped");
    None
}

/// Debian keeps daemons where a user's `PATH` may not lead.
fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let sbin = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    let folders = std::env::join_paths(std::env::split_paths(&path).chain(sbin)).ok()?;
    which::which_in(program, Some(folders), "/").ok()
}

fn note(line: &str) {
    let Some(file) = std::env::var_os("MUSTER_SKIPPED") else {
        return;
    };
    // Appended in one write, as many test processes do so at once.
    let written = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&file)
        .and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()));
    if let Err(cause) = written {
        eprintln!(
            "cannot note in {} that a test was skipped: {cause}",
            PathBuf::from(file).display()
        );
    }
}

#[cfg(test)]
mod tests {
    use super::needs;

    #[test]
    fn a_program_is_found_or_the_test_is_told_so() {
        assert!(needs("sh").is_some_and(|path| path.is_absolute()));
        if std::env::var_os("CI").is_none() && std::env::var_os("MUSTER_SKIPPED").is_none() {
            assert_eq!(needs("no-such-program-anywhere"), None);
        }
    }
}
