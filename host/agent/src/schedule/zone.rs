//! The device's time zone, by its name in the zone database.
//!
//! Only the name is taken from the system; the rules are those that come with the program, the same as
//! the server's, so that both know the same times.

use jiff::tz::TimeZone;
use muster_domain::schedule::Zone;
use std::path::Path;

/// A device's zone.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceZone {
    /// Its name, such as `Europe/Berlin`.
    pub name: String,
    /// Its rules.
    pub rules: TimeZone,
}

impl DeviceZone {
    /// The one of this device, as it is set now: by the variable `TZ`, the link `/etc/localtime`, or the
    /// file `/etc/timezone`. UTC if none of them has a name that is known.
    pub fn find() -> Self {
        Self::read(std::env::var("TZ").ok().as_deref(), Path::new("/"))
    }

    fn read(variable: Option<&str>, root: &Path) -> Self {
        let link = std::fs::read_link(root.join("etc/localtime")).ok();
        let file = std::fs::read_to_string(root.join("etc/timezone")).ok();
        [
            variable.map(str::to_owned),
            link.map(|link| link.to_string_lossy().into_owned()),
            file,
        ]
        .into_iter()
        .flatten()
        .find_map(|text| Self::named(name_in(&text)))
        .unwrap_or_else(|| Self {
            name: "UTC".to_owned(),
            rules: TimeZone::UTC,
        })
    }

    /// The zone of this name, if there is one.
    pub fn named(name: &str) -> Option<Self> {
        let rules = Zone::named(name).ok()?;
        Some(Self {
            name: name.to_owned(),
            rules,
        })
    }
}

/// The name in a path to a file of the zone database, and in what else may stand there.
fn name_in(text: &str) -> &str {
    let text = text.trim().trim_start_matches(':');
    let name = text
        .split_once("zoneinfo/")
        .map_or(text, |(_, name)| name.trim_start_matches('/'));
    ["posix/", "right/"]
        .iter()
        .find_map(|kind| name.strip_prefix(kind))
        .unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_zone_is_found_by_name_wherever_the_system_keeps_it() {
        let root = tempfile::tempdir().unwrap();
        let etc = root.path().join("etc");
        std::fs::create_dir(&etc).unwrap();
        let name = |variable| DeviceZone::read(variable, root.path()).name;
        assert_eq!(name(None), "UTC");
        std::fs::write(etc.join("timezone"), "Asia/Tokyo\n").unwrap();
        assert_eq!(name(None), "Asia/Tokyo");
        let link = "../usr/share/zoneinfo/America/Argentina/Ushuaia";
        std::os::unix::fs::symlink(link, etc.join("localtime")).unwrap();
        assert_eq!(name(None), "America/Argentina/Ushuaia");
        assert_eq!(name(Some("Europe/Berlin")), "Europe/Berlin");
        assert_eq!(name(Some(":Europe/Berlin")), "Europe/Berlin");
        let path = ":/usr/share/zoneinfo/posix/Europe/Berlin";
        assert_eq!(name(Some(path)), "Europe/Berlin");
        // What has no name in the database does not count.
        for unnamed in ["CET-1CEST", "", "/home/somebody/zone"] {
            assert_eq!(name(Some(unnamed)), "America/Argentina/Ushuaia");
        }
    }
}
