//! One step of a command: a program that is shown, run, and named when it fails.

use anyhow::{Context, Result, bail};
use std::process::{Command, Stdio};

/// Whether this is an automatic check of a change, where nothing may be left out quietly.
pub(crate) fn ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| value == "true")
}

/// The cargo that runs us, so that its toolchain is kept.
///
/// What it told us about our own package is taken away: build scripts of dependencies look at it,
/// and would build everything anew whenever cargo is called through us instead of directly.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os() {
        let about_us = name.to_str().is_some_and(|name| {
            name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
        });
        if about_us {
            command.env_remove(name);
        }
    }
    command
}

/// Tells what happens next.
pub(crate) fn say(text: &str) {
    eprintln!("\n== {text}");
}

/// The command as one would type it.
pub(crate) fn typed(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    let mut line = program
        .file_name()
        .unwrap_or(program.as_os_str())
        .to_string_lossy()
        .into_owned();
    for argument in command.get_args() {
        let argument = argument.to_string_lossy();
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:,@+%".contains(c);
        line.push(' ');
        if !argument.is_empty() && argument.chars().all(plain) {
            line.push_str(&argument);
        } else {
            line.push('\'');
            line.push_str(&argument.replace('\'', r"'\''"));
            line.push('\'');
        }
    }
    line
}

/// Shows the command and runs it to its end.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    eprintln!("$ {}", typed(command));
    let status = command
        .status()
        .with_context(|| format!("cannot start `{}`", typed(command)))?;
    if !status.success() {
        bail!("`{}` failed: {status}", typed(command));
    }
    Ok(())
}

/// Whether the command can be started and says yes; what it prints is not wanted.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::typed;
    use std::process::Command;

    #[test]
    fn a_command_is_shown_as_it_would_be_typed() {
        let mut command = Command::new("/usr/bin/muster");
        command.args(["task", "create", "--set", r#"paths=["/a b"]"#, "", "it's"]);
        assert_eq!(
            typed(&command),
            r#"muster task create --set 'paths=["/a b"]' '' 'it'\''s'"#
        );
    }
}
