//! Programs of others that a plug-in is built with: found, or told how to get.

use crate::failure::Failure;
use std::process::{Command, Stdio};

/// Runs a program to its end, with what it says shown on standard error.
pub(super) fn run(command: &mut Command, how_to_get: &str) -> Result<(), Failure> {
    let name = command.get_program().to_string_lossy().into_owned();
    // Standard output is for this program's own answer.
    command.stdin(Stdio::null()).stdout(std::io::stderr());
    let status = command
        .status()
        .map_err(|cause| missing(&name, &cause, how_to_get))?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::Refused(format!(
            "{name} ended with {status}; what it said stands above"
        )))
    }
}

/// Runs a program and gives what it wrote; what it said is part of the error.
pub(super) fn output(command: &mut Command, how_to_get: &str) -> Result<String, Failure> {
    let name = command.get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::null());
    let output = command
        .output()
        .map_err(|cause| missing(&name, &cause, how_to_get))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        let said = text(&output.stderr);
        Err(Failure::Refused(format!(
            "{name} ended with {}: {said}",
            output.status
        )))
    }
}

fn missing(name: &str, cause: &std::io::Error, how_to_get: &str) -> Failure {
    Failure::Refused(format!("{name} cannot be run: {cause}. {how_to_get}"))
}
