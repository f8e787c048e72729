//! Files and standard input that a command is given, and files that it writes.

use serde_json::Value;
use std::fs::File;
use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::path::{Path, PathBuf};

/// More than any component, settings or task file has that the server takes.
const MOST_BYTES: u64 = 256 * 1024 * 1024;

/// Why an input cannot be used, or a file not be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InputError {
    #[error("cannot read {0}")]
    Read(Source, #[source] io::Error),
    #[error("{0} is larger than 256 MiB; no such file is taken")]
    TooLarge(Source),
    #[error("{input} is no text in UTF-8, at byte {at}")]
    NotText { input: Source, at: usize },
    #[error("{0} is not valid JSON")]
    NotJson(Source, #[source] serde_json::Error),
    #[error("cannot write {0}")]
    Write(PathBuf, #[source] io::Error),
}

/// Where an input comes from: `-` is standard input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    Standard,
    File(PathBuf),
}

impl std::str::FromStr for Source {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(if text == "-" {
            Self::Standard
        } else {
            Self::File(text.into())
        })
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Standard => f.write_str("standard input"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

impl Source {
    /// All of it.
    pub(crate) fn bytes(&self) -> Result<Vec<u8>, InputError> {
        let read = |cause| InputError::Read(self.clone(), cause);
        let mut bytes = Vec::new();
        match self {
            Self::Standard => io::stdin()
                .lock()
                .take(MOST_BYTES + 1)
                .read_to_end(&mut bytes),
            Self::File(path) => File::open(path)
                .map_err(read)?
                .take(MOST_BYTES + 1)
                .read_to_end(&mut bytes),
        }
        .map_err(read)?;
        if bytes.len() as u64 > MOST_BYTES {
            return Err(InputError::TooLarge(self.clone()));
        }
        Ok(bytes)
    }

    /// All of it as text.
    pub(crate) fn text(&self) -> Result<String, InputError> {
        String::from_utf8(self.bytes()?).map_err(|error| InputError::NotText {
            input: self.clone(),
            at: error.utf8_error().valid_up_to(),
        })
    }

    /// All of it as JSON. The error names line and column.
    pub(crate) fn json(&self) -> Result<Value, InputError> {
        let bytes = self.bytes()?;
        serde_json::from_slice(&bytes).map_err(|cause| InputError::NotJson(self.clone(), cause))
    }
}

/// Writes a file whole or not at all. It replaces one that is there.
pub(crate) fn write_file(path: &Path, bytes: &[u8], mode: u32) -> Result<(), InputError> {
    let write = || {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let mut builder = tempfile::Builder::new();
        builder.prefix(".muster-");
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(mode));
        #[cfg(not(unix))]
        let _ = mode;
        let mut file = builder.tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        #[cfg(unix)]
        File::open(folder)?.sync_all()?;
        Ok(())
    };
    write().map_err(|cause| InputError::Write(path.to_owned(), cause))
}

/// Asks on the terminal. No when standard input is no terminal.
pub(crate) fn ask(question: &str) -> io::Result<bool> {
    if !io::stdin().is_terminal() {
        return Ok(false);
    }
    let mut stderr = io::stderr();
    write!(stderr, "{question} [y/N] ")?;
    stderr.flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes" | "Yes"))
}

/// Asks for a secret on the terminal, which does not show it. None when standard input is no
/// terminal.
pub(crate) fn ask_secret(question: &str) -> io::Result<Option<String>> {
    let stdin = io::stdin();
    if !stdin.is_terminal() {
        return Ok(None);
    }
    // Before it is asked for, so that nothing typed early is shown.
    #[cfg(unix)]
    let shown = quiet(&stdin)?;
    let mut stderr = io::stderr();
    write!(stderr, "{question} ")?;
    stderr.flush()?;
    let mut secret = String::new();
    let read = stdin.read_line(&mut secret);
    #[cfg(unix)]
    rustix::termios::tcsetattr(&stdin, rustix::termios::OptionalActions::Now, &shown)?;
    writeln!(stderr)?;
    read?;
    Ok(Some(secret))
}

/// Keeps a terminal from showing what is typed. Gives back how it was.
#[cfg(unix)]
fn quiet(terminal: &io::Stdin) -> io::Result<rustix::termios::Termios> {
    use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
    let shown = tcgetattr(terminal)?;
    let mut hidden = shown.clone();
    hidden.local_modes.remove(LocalModes::ECHO);
    tcsetattr(terminal, OptionalActions::Now, &hidden)?;
    Ok(shown)
}
