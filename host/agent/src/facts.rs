//! Facts: what the device is, as far as a translation may depend on it.

mod kind;

use crate::config::DeviceKindChoice;
use muster_domain::device::{DeviceKind, Facts};
use std::collections::BTreeMap;
use std::path::Path;

const PACKAGE_MANAGERS: [(&str, &str); 5] = [
    ("apt", "/usr/bin/apt-get"),
    ("dnf", "/usr/bin/dnf"),
    ("zypper", "/usr/bin/zypper"),
    ("pacman", "/usr/bin/pacman"),
    ("apk", "/sbin/apk"),
];

/// The facts of this device, as they are now, given the name of its time zone and what its owner says it is for.
pub fn gather(zone: &str, kind: DeviceKindChoice) -> Facts {
    let mut more = BTreeMap::new();
    more.insert(Facts::ZONE.to_owned(), zone.to_owned());
    let kind = match kind {
        DeviceKindChoice::Auto => kind::find(Path::new("/")),
        DeviceKindChoice::Workstation => DeviceKind::Workstation,
        DeviceKindChoice::Server => DeviceKind::Server,
    };
    more.insert(Facts::KIND.to_owned(), kind.as_str().to_owned());
    let release = ["/etc/os-release", "/usr/lib/os-release"]
        .iter()
        .find_map(|file| std::fs::read_to_string(file).ok())
        .unwrap_or_default();
    for (name, key) in [("os.id", "ID"), ("os.version", "VERSION_ID")] {
        if let Some(value) = release_value(&release, key) {
            more.insert(name.to_owned(), value);
        }
    }
    more.insert("host.name".into(), host_name());
    if let Some((name, _)) = PACKAGE_MANAGERS
        .iter()
        .find(|(_, file)| Path::new(file).exists())
    {
        more.insert("os.package-manager".into(), (*name).to_owned());
    }
    let systemd = Path::new("/run/systemd/system").exists();
    more.insert(
        "service.manager".into(),
        if systemd { "systemd" } else { "none" }.into(),
    );
    Facts {
        platform: std::env::consts::OS.into(),
        architecture: std::env::consts::ARCH.into(),
        agent_version: env!("CARGO_PKG_VERSION").into(),
        more,
    }
}

/// The device's own name.
pub fn host_name() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

fn release_value(release: &str, key: &str) -> Option<String> {
    let line = release
        .lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))?;
    Some(line.trim().trim_matches(['"', '\'']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_file_is_read_with_and_without_quotes() {
        let release = "NAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\nID=debian\n";
        assert_eq!(release_value(release, "ID"), Some("debian".into()));
        assert_eq!(release_value(release, "VERSION_ID"), Some("12".into()));
        assert_eq!(release_value(release, "VARIANT"), None);
    }

    #[test]
    fn every_device_has_a_name_and_a_platform() {
        let facts = gather("Europe/Berlin", DeviceKindChoice::Server);
        assert!(!facts.platform.is_empty() && !facts.more["host.name"].is_empty());
        assert_eq!(facts.more["time.zone"], "Europe/Berlin");
        assert_eq!(facts.kind(), Some(DeviceKind::Server));
    }
}
