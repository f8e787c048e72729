//! A clock that a test sets: schedules of the programs that are started with it go by it.

use anyhow::{Context as _, Result};
use jiff::{SignedDuration, Timestamp};
use std::path::{Path, PathBuf};

/// The clock of some programs. It goes on as any clock does; what a test sets is how far it is off.
#[derive(Debug)]
pub struct TestClock {
    file: PathBuf,
}

impl TestClock {
    /// A clock that is right, kept in a folder.
    pub fn new(folder: &Path) -> Result<Self> {
        let clock = Self {
            file: folder.join("clock"),
        };
        clock.write(0)?;
        Ok(clock)
    }

    /// What a program is started with to go by it.
    pub fn environment(&self) -> (&'static str, &str) {
        ("MUSTER_CLOCK", self.file.to_str().unwrap_or_default())
    }

    /// What it shows.
    pub fn now(&self) -> Result<Timestamp> {
        let text = std::fs::read_to_string(&self.file).context("no clock")?;
        let off = SignedDuration::from_secs(text.trim().parse()?);
        Ok(Timestamp::now().checked_add(off)?)
    }

    /// Sets it.
    pub fn set(&self, to: Timestamp) -> Result<()> {
        self.write(to.duration_since(Timestamp::now()).as_secs())
    }

    /// Sets it forward, or back.
    pub fn advance(&self, by: SignedDuration) -> Result<()> {
        self.set(self.now()?.checked_add(by)?)
    }

    // Renamed into its place: a program never reads half of it.
    fn write(&self, seconds: i64) -> Result<()> {
        let new = self.file.with_extension("new");
        std::fs::write(&new, seconds.to_string())?;
        std::fs::rename(&new, &self.file).context("cannot set the clock")
    }
}
