//! What authors of plug-ins do before there is anything to ship: begin, build, look, try, test,
//! measure. No server is needed; the engine is the one that servers use.

mod bench;
mod build;
mod check;
mod dev;
mod engine;
mod form;
mod inspect;
mod new;
mod reference;
mod run;
mod show;
mod test;
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
    /// Show what a component is made of, and what it says of itself
    #[command(after_help = help::INSPECT)]
    Inspect(inspect::Inspect),
    /// Make one call, to see what comes back
    #[command(after_help = help::RUN)]
    Run(run::Run),
    /// Check the author's cases, in the engine that servers use
    #[command(after_help = help::TEST)]
    Test(test::Test),
    /// Draw the settings form of a task type, as a console draws it
    #[command(after_help = help::FORM)]
    Form(show::Form),
    /// Write a reference of the task types, as Markdown
    #[command(after_help = help::DOCS)]
    Docs(show::Docs),
    /// Measure what each function costs
    #[command(after_help = help::BENCH)]
    Bench(bench::Bench),
    /// Build, install and try again on each save, on a server of your own
    #[command(after_help = help::DEV)]
    Dev(dev::Dev),
}

impl Author {
    pub(crate) async fn run(self, out: &Output) -> Result<(), Failure> {
        match self {
            Self::New(new) => new.run(out),
            Self::Build(build) => build.run(out),
            Self::Check(check) => check.run(out),
            Self::Inspect(inspect) => inspect.run(out),
            Self::Run(run) => run.run(out),
            Self::Test(test) => test.run(out),
            Self::Form(form) => form.run(out),
            Self::Docs(docs) => docs.run(out),
            Self::Bench(bench) => bench.run(out),
            Self::Dev(dev) => dev.run(out).await,
        }
    }
}
