//! Compiled code, mapped more than once, so that calls of one kind keep to slots of their own.
//!
//! The engine gives an instance the slot of memory that the same mapping used last, with the pages
//! that it touched then; what is kept of them has to be cleaned before each call. So a mapping for
//! each thread, whose counters and pages then stay with one processor; one for calls that make
//! commands or read reports, which touch more; and one for heavy calls: pages that a batch has touched
//! would cost every small call after it 20 µs.

use crate::call::CallState;
use crate::calls::thread_number;
use crate::fault::Function;
use crate::v1::Exports;
use muster_domain::report::Report;
use muster_domain::settings::Settings;
use std::fmt;
use std::sync::OnceLock;
use wasmtime::component::InstancePre;

/// More bytes handed over than this, or more devices, make a call a heavy one.
const LIGHT_BYTES: usize = 8 << 10;
const LIGHT_ITEMS: usize = 16;

/// One mapping of a plug-in's code, linked, with its functions found.
pub(crate) struct Linked {
    pub(crate) pre: InstancePre<CallState>,
    pub(crate) exports: Exports,
}

/// How much memory a call is expected to touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    /// To look at settings.
    Light,
    /// To make a few commands, or to read a few reports.
    Middle,
    Heavy,
}

/// What a call hands over.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Input {
    /// Bytes of settings and reports.
    pub(crate) bytes: usize,
    /// Profiles or reports.
    pub(crate) items: usize,
}

impl Input {
    pub(crate) fn of(settings: &Settings, items: usize) -> Self {
        Self {
            bytes: settings.as_str().len(),
            items,
        }
    }

    pub(crate) fn with_reports(settings: &Settings, reports: &[Report]) -> Self {
        let steps = reports.iter().flat_map(|report| &report.steps);
        let bytes = steps.map(|step| {
            let lines: usize = step.lines.iter().map(String::len).sum();
            step.head.len() + step.tail.len() + lines
        });
        Self {
            bytes: settings.as_str().len() + bytes.sum::<usize>(),
            items: reports.len(),
        }
    }

    fn weight(self, function: Function) -> Weight {
        if self.bytes > LIGHT_BYTES || self.items > LIGHT_ITEMS {
            return Weight::Heavy;
        }
        match function {
            Function::Describe | Function::Validate | Function::Migrate => Weight::Light,
            Function::Translate | Function::Interpret => Weight::Middle,
        }
    }
}

type Again = Box<dyn Fn() -> Option<Linked> + Send + Sync>;

/// The mappings of one plug-in. All but the first are made when a call first wants them.
pub(crate) struct Mappings {
    first: Linked,
    threads: Box<[OnceLock<Option<Linked>>]>,
    middle: OnceLock<Option<Linked>>,
    heavy: OnceLock<Option<Linked>>,
    again: Again,
}

impl Mappings {
    /// With the mapping that is there, for so many threads. `again` maps the code once more; if
    /// it cannot, calls make do with the first.
    pub(crate) fn new(
        first: Linked,
        threads: usize,
        again: impl Fn() -> Option<Linked> + Send + Sync + 'static,
    ) -> Self {
        Self {
            first,
            threads: (1..threads).map(|_| OnceLock::new()).collect(),
            middle: OnceLock::new(),
            heavy: OnceLock::new(),
            again: Box::new(again),
        }
    }

    /// The one for a call of a function with this input on this thread.
    pub(crate) fn get(&self, function: Function, input: Input) -> &Linked {
        self.of_weight(input.weight(function))
    }

    /// The one for a call of this weight on this thread.
    pub(crate) fn of_weight(&self, weight: Weight) -> &Linked {
        let place = match weight {
            Weight::Heavy => Some(&self.heavy),
            Weight::Middle => Some(&self.middle),
            Weight::Light => {
                let number = thread_number() % (self.threads.len() + 1);
                number
                    .checked_sub(1)
                    .and_then(|number| self.threads.get(number))
            }
        };
        place
            .and_then(|place| place.get_or_init(&self.again).as_ref())
            .unwrap_or(&self.first)
    }

    /// The one that was there from the beginning.
    pub(crate) fn first(&self) -> &Linked {
        &self.first
    }
}

impl fmt::Debug for Mappings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mappings").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_that_touch_more_do_not_share_slots_with_those_that_touch_little() {
        let weight = |function, bytes, items| Input { bytes, items }.weight(function);
        assert_eq!(weight(Function::Validate, 8 << 10, 1), Weight::Light);
        assert_eq!(weight(Function::Validate, (8 << 10) + 1, 1), Weight::Heavy);
        assert_eq!(weight(Function::Translate, 8 << 10, 16), Weight::Middle);
        assert_eq!(weight(Function::Interpret, 0, 17), Weight::Heavy);
    }
}
