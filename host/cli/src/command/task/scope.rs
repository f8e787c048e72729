//! Where a task is to be done, as options.

use crate::failure::Failure;
use crate::input::Source;
use clap::Args;
use muster_api::task::ScopeRequest;

/// At most one of the three kinds.
#[derive(Debug, Args)]
pub(crate) struct Scope {
    /// A local task, for this device, by number or name
    #[arg(long, group = "scope")]
    device: Option<String>,
    /// A group task, for the devices of this group, by number or path
    #[arg(long, group = "scope")]
    group: Option<String>,
    /// Leave out the groups below
    #[arg(long, requires = "group")]
    no_subgroups: bool,
    /// Leave out this group and all below it; may be given several times
    #[arg(long, value_name = "GROUP", requires = "group")]
    exclude: Vec<String>,
    /// A global task, for these devices: A,B,C, or @FILE with one on each line, or @- for standard
    /// input
    #[arg(long, group = "scope", value_name = "DEVICES")]
    devices: Option<String>,
}

impl Scope {
    /// The scope that is asked for, if any is.
    pub(crate) fn request(self) -> Result<Option<ScopeRequest>, Failure> {
        if let Some(device) = self.device {
            return Ok(Some(ScopeRequest::Local { device }));
        }
        if let Some(group) = self.group {
            let (subgroups, excluded) = (!self.no_subgroups, self.exclude);
            return Ok(Some(ScopeRequest::Group {
                group,
                subgroups,
                excluded,
            }));
        }
        let Some(devices) = self.devices else {
            return Ok(None);
        };
        let devices = match devices.strip_prefix('@') {
            Some(file) => list(&source(file).text()?),
            None => list(&devices),
        };
        if devices.is_empty() {
            return Err(Failure::Usage("--devices names no device".into()));
        }
        Ok(Some(ScopeRequest::Global { devices }))
    }
}

fn source(name: &str) -> Source {
    if name == "-" {
        Source::Standard
    } else {
        Source::File(name.into())
    }
}

/// Names between commas and line ends; a line that begins with `#` is a comment.
fn list(text: &str) -> Vec<String> {
    text.lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .flat_map(|line| line.split(','))
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_devices_come_in_lines_and_commas() {
        assert_eq!(list("a,b, c"), ["a", "b", "c"]);
        assert_eq!(list("# all\npc 1\n\npc-2,\r\n7\n"), ["pc 1", "pc-2", "7"]);
        assert!(list("# none").is_empty());
    }
}
