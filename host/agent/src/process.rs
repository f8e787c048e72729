//! Processes of the device, as `/proc` shows them.

use std::collections::HashSet;

/// What `/proc/<pid>/stat` tells of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stat {
    /// Its number.
    pub(crate) pid: i32,
    /// The kernel's name of it, at most 15 bytes.
    pub(crate) name: String,
    state: char,
    /// The process group.
    pub(crate) group: i32,
    /// The session.
    pub(crate) session: i32,
    /// When it started, in clock ticks since the device did. With the number it names a process.
    pub(crate) started: u64,
}

impl Stat {
    /// Reads one; none if there is no such process.
    pub(crate) fn read(pid: i32) -> Option<Self> {
        Self::parse(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    fn parse(text: &str) -> Option<Self> {
        // The name stands in brackets and may itself hold brackets and blanks.
        let (pid, rest) = text.split_once(" (")?;
        let (name, rest) = rest.rsplit_once(") ")?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        let number = |place: usize| fields.get(place)?.parse::<i64>().ok();
        Some(Self {
            pid: pid.parse().ok()?,
            name: name.to_owned(),
            state: fields.first()?.chars().next()?,
            group: i32::try_from(number(2)?).ok()?,
            session: i32::try_from(number(3)?).ok()?,
            started: u64::try_from(number(19)?).ok()?,
        })
    }

    /// Whether it still does something: a zombie does not.
    pub(crate) fn is_alive(&self) -> bool {
        !matches!(self.state, 'Z' | 'X')
    }
}

/// All processes that are alive.
pub(crate) fn all() -> Vec<Stat> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| Stat::read(entry.file_name().to_str()?.parse().ok()?))
        .filter(Stat::is_alive)
        .collect()
}

/// The names of all processes that are alive.
pub(crate) fn names() -> HashSet<String> {
    all().into_iter().map(|stat| stat.name).collect()
}

/// Names this boot of the device, and the session that this process is in. Process numbers mean
/// something only within it.
pub(crate) fn session() -> String {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let own = i32::try_from(std::process::id())
        .ok()
        .and_then(Stat::read)
        .map_or(0, |stat| stat.session);
    format!("{}/{own}", boot.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_does_not_shift_the_fields() {
        let text = "42 (a) b (c) S 1 41 40 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 7777 1 2";
        let stat = Stat::parse(text).unwrap();
        assert_eq!(
            (stat.name.as_str(), stat.group, stat.session, stat.started),
            ("a) b (c", 41, 40, 7777)
        );
        assert!(stat.is_alive());
    }

    #[test]
    fn this_process_is_among_all() {
        let own = i32::try_from(std::process::id()).unwrap();
        assert!(all().iter().any(|stat| stat.pid == own));
    }
}
