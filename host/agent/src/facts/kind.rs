//! What the device is for, where its owner does not say.

use muster_domain::device::DeviceKind;
use std::path::Path;

/// What the firmware says of the housing, in the numbers of the SMBIOS reference: portable, laptop, notebook,
/// hand-held, sub-notebook, tablet, convertible, detachable.
const CARRIED: [u32; 8] = [8, 9, 10, 11, 14, 30, 31, 32];

/// Main server housing, rack mount, blade.
const MOUNTED: [u32; 3] = [17, 23, 28];

/// Where desktops say that somebody may log in to them.
const SESSIONS: [&str; 2] = ["usr/share/xsessions", "usr/share/wayland-sessions"];

/// What the device is for, by what is found below a root: its housing if that says it; else a machine with a
/// desktop is a workstation.
pub(super) fn find(root: &Path) -> DeviceKind {
    let housing = std::fs::read_to_string(root.join("sys/class/dmi/id/chassis_type"));
    let housing = housing.ok().and_then(|text| text.trim().parse().ok());
    if housing.is_some_and(|housing| CARRIED.contains(&housing)) {
        return DeviceKind::Workstation;
    }
    if housing.is_some_and(|housing| MOUNTED.contains(&housing)) {
        return DeviceKind::Server;
    }
    let has_desktop = SESSIONS.iter().any(|folder| {
        let files = std::fs::read_dir(root.join(folder));
        files.is_ok_and(|mut files| files.next().is_some())
    });
    if has_desktop {
        DeviceKind::Workstation
    } else {
        DeviceKind::Server
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(root: &Path, file: &str, text: &str) {
        let file = root.join(file);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }

    #[test]
    fn a_desktop_makes_a_workstation_unless_the_housing_knows_better() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        assert_eq!(find(root), DeviceKind::Server);
        put(root, "sys/class/dmi/id/chassis_type", "10\n");
        assert_eq!(find(root), DeviceKind::Workstation);
        // A desktop's own housing says nothing: many servers stand in one.
        put(root, "sys/class/dmi/id/chassis_type", "3\n");
        assert_eq!(find(root), DeviceKind::Server);
        put(root, "usr/share/wayland-sessions/a.desktop", "");
        assert_eq!(find(root), DeviceKind::Workstation);
        put(root, "sys/class/dmi/id/chassis_type", "23\n");
        assert_eq!(find(root), DeviceKind::Server);
    }
}
