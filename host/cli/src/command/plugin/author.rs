//! What authors of plug-ins do before there is anything to ship: begin, build, look, try, test,
//! measure. No server is needed; the engine is the one that servers use.

mod build;
mod check;
mod new;
mod tool;

use crate::command::help;
use crate::failure::Failure;
use crate::output::Output;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum Author {
    /// Begin a plug-in: a project that builds, passes its tests and can be installed
    #[command(after_help = help::NEW)]
    New(new::New),
    /// Build a plug-in's component from its project
    #[command(after_help = help::BUILD)]
    Build(build::Build),
    /// Try a component by every rule that servers rely on, and show the smallest input that breaks one
    #[command(after_help = help::CHECK)]
    Check(check::Check),
}

impl Author {
    pub(crate) fn run(self, out: &Output) -> Result<(), Failure> {
        match self {
            Self::New(new) => new.run(out),
            Self::Build(build) => build.run(out),
            Self::Check(check) => check.run(out),
        }
    }
}
