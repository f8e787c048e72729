//! The command line, and where each command is carried out.

mod administrator;
mod completions;
mod delivery;
mod device;
mod event;
mod group;
mod help;
mod login;
mod objects;
mod plugin;
mod run;
mod secret;
mod selection;
mod settings;
mod status;
mod task;
mod trust;
mod user;
mod window;

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
        value_name = "FORMAT",
        display_order = 900
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
    /// Administrators of the server
    #[command(subcommand)]
    Administrator(administrator::Administrator),
    /// Management plug-ins
    #[command(subcommand)]
    Plugin(plugin::Plugin),
    /// Whom the server trusts to sign plug-ins
    #[command(subcommand)]
    Trust(trust::Trust),
    /// Maintenance windows and blackouts: when tasks may start
    #[command(subcommand)]
    Window(window::Window),
    /// Saved queries over devices
    #[command(subcommand)]
    Selection(selection::Selection),
    /// The vault: secrets that settings refer to
    #[command(subcommand)]
    Secret(secret::Secret),
    /// Devices and their enrollment
    #[command(subcommand)]
    Device(device::Device),
    /// Administration groups
    #[command(subcommand)]
    Group(group::Group),
    /// Tasks
    #[command(subcommand)]
    Task(task::Task),
    /// Make groups, selections, windows and tasks as files say
    #[command(after_help = objects::apply::EXAMPLES)]
    Apply(objects::apply::Apply),
    /// Write every group, selection, window and task as a file
    Export(objects::apply::Export),
    /// Runs of tasks
    #[command(subcommand)]
    Run(run::Run),
    /// What a run became on a device, as files for the plug-in's author
    #[command(subcommand)]
    Delivery(delivery::Delivery),
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
        Command::Administrator(administrator) => administrator.run(&Context::new(out)?).await,
        #[cfg(feature = "author")]
        Command::Plugin(plugin::Plugin::Author(author)) => author.run(&out).await,
        Command::Plugin(plugin::Plugin::Release(release)) => release.run(&out).await,
        Command::Plugin(plugin) => plugin.run(&Context::new(out)?).await,
        Command::Trust(trust::Trust::Revocations(trust::revocations::Revocations::Author(
            author,
        ))) => author.run(&out),
        Command::Trust(trust) => trust.run(&Context::new(out)?).await,
        Command::Window(window) => window.run(&Context::new(out)?).await,
        Command::Selection(selection) => selection.run(&Context::new(out)?).await,
        Command::Secret(secret) => secret.run(&Context::new(out)?).await,
        Command::Device(device) => device.run(&Context::new(out)?).await,
        Command::Group(group) => group.run(&Context::new(out)?).await,
        Command::Task(task) => task.run(&Context::new(out)?).await,
        Command::Apply(apply) => apply.run(&Context::new(out)?).await,
        Command::Export(export) if export.schema => objects::apply::Export::schema(&out),
        Command::Export(export) => export.run(&Context::new(out)?).await,
        Command::Run(run) => run.run(&Context::new(out)?).await,
        Command::Delivery(delivery) => delivery.run(&Context::new(out)?).await,
        Command::Events(events) => events.run(&Context::new(out)?).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        CommandLine::command().debug_assert();
    }

    /// Every command at the end of a line, with its whole line.
    fn leaves(command: &clap::Command, line: &str, found: &mut Vec<(String, clap::Command)>) {
        let line = format!("{line} {}", command.get_name());
        let below = command
            .get_subcommands()
            .filter(|one| one.get_name() != "help");
        let mut below = below.peekable();
        if below.peek().is_none() {
            found.push((line.trim_start().to_owned(), command.clone()));
        }
        below.for_each(|one| leaves(one, &line, found));
    }

    #[test]
    fn what_plug_ins_and_trust_need_is_taught_by_their_help() {
        let mut all = CommandLine::command();
        all.build();
        let mut found = Vec::new();
        for noun in ["plugin", "trust", "delivery"] {
            let noun = all.find_subcommand(noun).unwrap();
            leaves(noun, "muster", &mut found);
        }
        assert!(found.len() > 40, "{}", found.len());
        let mut texts = Vec::new();
        for (line, mut command) in found {
            // Every command has it.
            command = command.mut_arg("output", |output| output.hide(true));
            let help = command.render_long_help().to_string();
            let (_, example) = help.split_once("Example").unwrap_or_default();
            assert!(
                example.contains(&line),
                "{line} has no example of itself:\n{help}"
            );
            let own: Vec<&str> = help.lines().map(str::trim_end).collect();
            texts.push([&format!("## {line}"), own.join("\n").trim()].join("\n\n"));
        }
        insta::assert_snapshot!(texts.join("\n\n"));
    }
}
