//! Secrets: values go into the vault by standard input, from a file or from the terminal, never as an
//! argument, which others on this machine could see; and none comes out.

use crate::client::path;
use crate::command::{Context, confirm};
use crate::failure::Failure;
use crate::input::{Source, ask_secret};
use crate::output::{cell, number};
use clap::Subcommand;
use muster_api::secret::{SecretSet, SecretView};
use std::io::IsTerminal as _;
use std::path::PathBuf;
use zeroize::Zeroizing;

const SET_HELP: &str = "\
The value comes from --from-file, or from standard input, or it is asked for at the terminal, which does
not show it. It has 4 bytes to 64 KiB. The line end of a single line does not count; a value of several
lines, such as a private key, is taken as it is.

Examples:
  muster secret set proxy                              asks for it
  pass show proxy | muster secret set proxy
  muster secret set tls-key --from-file client.key

In the settings of a task it is then {\"secret\": \"proxy\"}:
  muster task set 'Update' --set 'tls.key_password={\"secret\": \"proxy\"}'";

#[derive(Debug, Subcommand)]
pub(crate) enum Secret {
    /// List all secrets, without their values
    List,
    /// Show who set a secret, when, and which tasks refer to it; never its value
    Show {
        /// Its name
        secret: String,
    },
    /// Make a secret, or give one another value
    #[command(after_help = SET_HELP)]
    Set {
        /// Its name, by which settings refer to it
        secret: String,
        /// The file that holds the value
        #[arg(long, value_name = "FILE")]
        from_file: Option<PathBuf>,
    },
    /// Remove a secret
    Remove {
        /// Its name
        secret: String,
        /// Though tasks refer to it: what needs it waits then until there is one of this name again
        #[arg(long)]
        force: bool,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
}

impl Secret {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::List => list(context).await,
            Self::Show { secret } => show(context, &secret).await,
            Self::Set { secret, from_file } => set(context, &secret, from_file).await,
            Self::Remove { secret, force, yes } => remove(context, &secret, force, yes).await,
        }
    }
}

async fn list(context: &Context) -> Result<(), Failure> {
    let answer = context.client.list("/secrets", &vec![], None).await?;
    if context.out.is_json() {
        return context.out.json(&answer.raw);
    }
    let secrets: Vec<SecretView> = answer.view()?;
    let rows = secrets.into_iter().map(|secret| {
        vec![
            cell(secret.name),
            number(i64::from(secret.version)),
            cell(context.out.clock.long(secret.changed_at)),
            cell(secret.changed_by),
            number(i64::try_from(secret.tasks.len()).unwrap_or(i64::MAX)),
        ]
    });
    let none = "No secrets; `muster secret set NAME` makes one.";
    let columns = ["NAME", "VERSION", "SET", "BY", "TASKS"];
    context.out.table(&columns, rows.collect(), none)
}

async fn show(context: &Context, secret: &str) -> Result<(), Failure> {
    let at = path(&["secrets", secret]);
    let answer = context.client.get(&at, &vec![]).await?;
    if context.out.is_json() {
        return context.out.json(&answer.raw);
    }
    let view: SecretView = answer.view()?;
    let clock = &context.out.clock;
    let created = format!("{} by {}", clock.long(view.created_at), view.created_by);
    let set = format!("{} by {}", clock.long(view.changed_at), view.changed_by);
    context.out.fields(vec![
        ("name", cell(view.name)),
        ("version", cell(view.version.to_string())),
        ("created", cell(created)),
        ("set", cell(set)),
    ])?;
    let rows = view.tasks.into_iter();
    let rows = rows.map(|task| vec![number(task.id), cell(task.name)]);
    let none = "No task refers to it.";
    context.out.table(&["TASK", "NAME"], rows.collect(), none)
}

async fn set(context: &Context, secret: &str, file: Option<PathBuf>) -> Result<(), Failure> {
    let value = trimmed(value(secret, file)?);
    let at = path(&["secrets", secret]);
    let set = SecretSet {
        value: value.to_string(),
    };
    let answer = context.client.put_json(&at, &set).await?;
    if context.out.is_json() {
        return context.out.json(&answer.raw);
    }
    let view: SecretView = answer.view()?;
    context.out.text(&match view.version {
        1 => format!("Created secret {}.", view.name),
        version => format!("Secret {} has another value, version {version}.", view.name),
    })
}

fn value(secret: &str, file: Option<PathBuf>) -> Result<Zeroizing<String>, Failure> {
    if let Some(file) = file {
        return Ok(Zeroizing::new(Source::File(file).text()?));
    }
    if !std::io::stdin().is_terminal() {
        return Ok(Zeroizing::new(Source::Standard.text()?));
    }
    let asked = ask_secret(&format!("The value of {secret}:"));
    let asked =
        asked.map_err(|cause| Failure::Usage(format!("cannot ask for the value: {cause}")))?;
    Ok(Zeroizing::new(asked.unwrap_or_default()))
}

/// Without the line end of a single line. Several lines are taken as they are: some programs want the
/// last line end of a key.
fn trimmed(value: Zeroizing<String>) -> Zeroizing<String> {
    let line = value.strip_suffix('\n').unwrap_or(&value);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.contains('\n') {
        return value;
    }
    Zeroizing::new(line.to_owned())
}

async fn remove(context: &Context, secret: &str, force: bool, yes: bool) -> Result<(), Failure> {
    confirm(yes, &format!("Remove secret {secret}?"))?;
    let at = path(&["secrets", secret]);
    let at = if force {
        format!("{at}?force=true")
    } else {
        at
    };
    let answer = context.client.delete(&at).await?;
    if context.out.is_json() {
        return context.out.json(&answer.raw);
    }
    context.out.text(&format!("Removed secret {secret}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_line_loses_its_end_and_several_keep_theirs() {
        let trimmed = |text: &str| trimmed(Zeroizing::new(text.to_owned())).to_string();
        assert_eq!(trimmed("hunter2\n"), "hunter2");
        assert_eq!(trimmed("hunter2\r\n"), "hunter2");
        assert_eq!(trimmed("hunter2"), "hunter2");
        assert_eq!(trimmed(" a \n"), " a ");
        assert_eq!(trimmed("-----\nkey\n-----\n"), "-----\nkey\n-----\n");
    }
}
