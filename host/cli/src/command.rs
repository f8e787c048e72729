//! The command line, and where each command is carried out.

mod completions;
mod device;
mod event;
mod group;
mod login;
mod plugin;
mod run;
mod status;
mod task;
mod trust;

use crate::client::Client;
use crate::credentials::Credentials;
use crate::failure::{EXIT_STATUSES, Failure};
use crate::input;
use crate::output::{Format, Output, clean};
use clap::{Parser, Subcommand};
use std::io::IsTerminal as _;

/// Manages security applications on devices, through a Muster Administration Server.
#[derive(Debug, Parser)]
#[command(name = "muster", version, after_help = EXIT_STATUSES, max_term_width = 100)]
pub(crate) struct CommandLine {
    /// Tables for people, or the server's JSON for programs: one value, or one a line where
    /// something is followed
    #[arg(
        long,
        short,
        global = true,
        value_enum,
        default_value = "table",
        value_name = "FORMAT"
    )]
    pub(crate) output: Format,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Log in to a server and keep its address, its CA and the token
    Login(login::Login),
    /// Forget the login
    Logout,
    /// Show the server and who is logged in
    Status,
    /// Management plug-ins
    #[command(subcommand)]
    Plugin(plugin::Plugin),
    /// Whom the server trusts to sign plug-ins
    #[command(subcommand)]
    Trust(trust::Trust),
    /// Devices and their enrollment
    #[command(subcommand)]
    Device(device::Device),
    /// Administration groups
    #[command(subcommand)]
    Group(group::Group),
    /// Tasks
    #[command(subcommand)]
    Task(task::Task),
    /// Runs of tasks
    #[command(subcommand)]
    Run(run::Run),
    /// Show the event log
    Events(event::Events),
    /// Print a completion script
    Completions(completions::Completions),
}

/// What a command works with.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) client: Client,
    pub(crate) out: Output,
}

impl Context {
    fn new(out: Output) -> Result<Self, Failure> {
        Ok(Self {
            client: Client::new(&Credentials::load()?)?,
            out,
        })
    }
}

/// Asks before something goes that does not come back. Only a terminal is asked: a program that
/// gives the command means it.
fn confirm(yes: bool, question: &str) -> Result<(), Failure> {
    if yes || !std::io::stdin().is_terminal() || input::ask(&clean(question))? {
        Ok(())
    } else {
        Err(Failure::Declined)
    }
}

/// Carries a command out.
pub(crate) async fn run(line: CommandLine) -> Result<(), Failure> {
    let out = Output::standard(line.output);
    match line.command {
        Command::Login(login) => login.run(&out).await,
        Command::Logout => login::logout(&out),
        Command::Completions(completions) => completions.run(),
        Command::Status => status::run(&Context::new(out)?).await,
        Command::Plugin(plugin::Plugin::Release(release)) => release.run(&out).await,
        Command::Plugin(plugin) => plugin.run(&Context::new(out)?).await,
        Command::Trust(trust) => trust.run(&Context::new(out)?).await,
        Command::Device(device) => device.run(&Context::new(out)?).await,
        Command::Group(group) => group.run(&Context::new(out)?).await,
        Command::Task(task) => task.run(&Context::new(out)?).await,
        Command::Run(run) => run.run(&Context::new(out)?).await,
        Command::Events(events) => events.run(&Context::new(out)?).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        use clap::CommandFactory as _;
        CommandLine::command().debug_assert();
    }
}
