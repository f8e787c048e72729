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

type Map = Box<dyn Fn() -> Option<Linked> + Send + Sync>;

/// The mappings of one plug-in, each made when a call first wants it: a plug-in that nobody asks
/// costs no mapping.
pub(crate) struct Mappings {
    first: OnceLock<Option<Linked>>,
    threads: Box<[OnceLock<Option<Linked>>]>,
    middle: OnceLock<Option<Linked>>,
    heavy: OnceLock<Option<Linked>>,
    map: Map,
}

impl Mappings {
    /// For so many threads. `map` maps the code; where it cannot do so again, calls make do with
    /// the first mapping.
    pub(crate) fn new(
        first: Option<Linked>,
        threads: usize,
        map: impl Fn() -> Option<Linked> + Send + Sync + 'static,
    ) -> Self {
        Self {
            first: first.map_or_else(OnceLock::new, |first| OnceLock::from(Some(first))),
            threads: (1..threads).map(|_| OnceLock::new()).collect(),
            middle: OnceLock::new(),
            heavy: OnceLock::new(),
            map: Box::new(map),
        }
    }

    /// The one for a call of a function with this input on this thread. None if the code cannot be
    /// mapped at all.
    pub(crate) fn get(&self, function: Function, input: Input) -> Option<&Linked> {
        self.of_weight(input.weight(function))
    }

    /// The one for a call of this weight on this thread.
    pub(crate) fn of_weight(&self, weight: Weight) -> Option<&Linked> {
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
            .and_then(|place| place.get_or_init(&self.map).as_ref())
            .or_else(|| self.first.get_or_init(&self.map).as_ref())
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
