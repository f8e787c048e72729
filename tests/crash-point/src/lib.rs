//! Named places in the programs where a test may have the process killed.
//!
//! `reach("report.committed")` stands between two steps of a program. In a product build it is an
//! empty function. With the feature `armed`, and with the environment variable `MUSTER_CRASH_AT`
//! set to that name, the process that gets there is killed with SIGKILL: no destructor runs, no
//! buffer is flushed, just as when a device loses its power. `MUSTER_CRASH_AT=report.committed:3`
//! kills at the third time.
//!
//! Every crate may depend on this one, and it depends on none of ours.

/// Says that the program got to the place `name`. Does nothing unless the feature `armed` is on and
/// `MUSTER_CRASH_AT` names the place; then it does not return.
#[inline]
pub fn reach(name: &'static str) {
    #[cfg(feature = "armed")]
    armed::reach(name);
    #[cfg(not(feature = "armed"))]
    let _ = name;
}

#[cfg(feature = "armed")]
mod armed;
