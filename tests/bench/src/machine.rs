//! The machine that was measured on, in one sentence.

use std::fs;

/// Processor, their number, kernel, and how busy the machine is right now.
pub fn describe() -> String {
    let processor = read("/proc/cpuinfo")
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or_else(
            || std::env::consts::ARCH.to_owned(),
            |(_, name)| name.trim().to_owned(),
        );
    let count = std::thread::available_parallelism().map_or(1, usize::from);
    let kernel = read("/proc/sys/kernel/osrelease");
    let load = read("/proc/loadavg");
    let load = load.split(' ').next().unwrap_or("unknown");
    format!(
        "{processor}, {count} processors, Linux {}; load of the machine when it began: {load}",
        kernel.trim()
    )
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}
