//! What the system tells of a process.

use anyhow::{Context, Result};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::fs;

/// Seconds of processor time that a process used, its threads included.
pub fn processor_seconds(id: u32) -> Result<f64> {
    let path = format!("/proc/{id}/stat");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    // The name of the program, in brackets, may hold anything; fields are counted behind it.
    let (_, fields) = text.rsplit_once(") ").unwrap_or_default();
    let ticks: u32 = fields
        .split(' ')
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<u32>().ok())
        .sum();
    let second = u32::try_from(rustix::param::clock_ticks_per_second()).unwrap_or(100);
    Ok(f64::from(ticks) / f64::from(second))
}

/// MiB of memory that a process holds, and the most that it ever held.
pub fn memory(id: u32) -> Result<(f64, f64)> {
    let path = format!("/proc/{id}/status");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let mebibytes = |name: &str| {
        text.lines()
            .find_map(|line| {
                let number = line.strip_prefix(name)?.trim_end_matches("kB").trim();
                number.parse::<u32>().ok()
            })
            .map_or(f64::NAN, |kibibytes| f64::from(kibibytes) / 1024.0)
    };
    Ok((mebibytes("VmRSS:"), mebibytes("VmHWM:")))
}

/// Takes as many open files as the system lets this process have; processes that it starts get as
/// many.
pub fn many_files(wanted: u64) -> Result<()> {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let most = maximum.unwrap_or(1 << 20);
    anyhow::ensure!(
        most >= wanted,
        "{wanted} open files are needed for each process, and the limit here is {most}; raise it (`ulimit -Hn`), or measure fewer agents"
    );
    let limit = Rlimit {
        current: Some(most),
        maximum,
    };
    setrlimit(Resource::Nofile, limit).context("cannot raise the limit of open files")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_very_process_has_figures() {
        let id = std::process::id();
        assert!(processor_seconds(id).unwrap() >= 0.0);
        let (now, most) = memory(id).unwrap();
        assert!(now > 0.0 && most >= now);
        assert!(memory(u32::MAX).is_err());
    }
}
