//! Where a task is to be done, as options.

use crate::failure::Failure;
use crate::input::Source;
use clap::{Args, ValueEnum};
use muster_api::task::ScopeRequest;
use muster_domain::device::DeviceKind;
use muster_domain::scope::Membership;

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Only {
    Workstations,
    Servers,
}

impl Only {
    fn kind(self) -> DeviceKind {
        match self {
            Self::Workstations => DeviceKind::Workstation,
            Self::Servers => DeviceKind::Server,
        }
    }
}

/// At most one of these.
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
    /// Leave out all devices but workstations, or all but servers
    #[arg(long, value_enum, requires = "group")]
    only: Option<Only>,
    /// A global task, for the devices that this selection means, by number or name
    #[arg(long, group = "scope")]
    selection: Option<String>,
    /// A run takes in devices that come into the group or selection while it is under way, and lets go those
    /// that leave before they have the order
    #[arg(long)]
    following: bool,
    /// A global task, for these devices: A,B,C, or @FILE with one on each line, or @- for standard
    /// input
    #[arg(long, group = "scope", value_name = "DEVICES")]
    devices: Option<String>,
}

impl Scope {
    /// The scope that is asked for, if any is.
    pub(crate) fn request(self) -> Result<Option<ScopeRequest>, Failure> {
        let membership = if self.following {
            Membership::Following
        } else {
            Membership::Fixed
        };
        if let Some(device) = self.device
            && !self.following
        {
            return Ok(Some(ScopeRequest::Local { device }));
        }
        if let Some(group) = self.group {
            let (subgroups, excluded) = (!self.no_subgroups, self.exclude);
            return Ok(Some(ScopeRequest::Group {
                group,
                subgroups,
                excluded,
                only: self.only.map(Only::kind),
                membership,
            }));
        }
        if let Some(selection) = self.selection {
            return Ok(Some(ScopeRequest::Selection {
                selection,
                membership,
            }));
        }
        if self.following {
            let text = "--following goes with --group or --selection: nobody comes into a list";
            return Err(Failure::Usage(text.into()));
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
