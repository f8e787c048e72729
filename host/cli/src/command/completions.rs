//! Completion scripts for shells.

use crate::command::CommandLine;
use crate::failure::Failure;
use clap::{Args, CommandFactory as _};
use clap_complete::Shell;
use std::io::{self, Write as _};

#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        // Written to memory first: the generator would panic on a closed pipe.
        let mut script = Vec::new();
        clap_complete::generate(
            self.shell,
            &mut CommandLine::command(),
            "muster",
            &mut script,
        );
        io::stdout().write_all(&script)?;
        Ok(())
    }
}
