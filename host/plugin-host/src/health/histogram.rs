//! How long something took, in buckets from ten microseconds on.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of the buckets, in microseconds. A last bucket holds what took longer.
pub const BOUNDS: [u64; 17] = [
    10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 250_000,
    500_000, 1_000_000, 2_000_000,
];

#[derive(Debug, Default)]
pub(super) struct Histogram {
    buckets: [AtomicU64; BOUNDS.len() + 1],
    /// Nanoseconds: many short calls would vanish otherwise.
    sum: AtomicU64,
}

impl Histogram {
    pub(super) fn add(&self, took: Duration) {
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let bucket = BOUNDS.partition_point(|bound| bound * 1_000 < nanoseconds);
        if let Some(count) = self.buckets.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.sum.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    pub(super) fn add_to(&self, spread: &mut Spread) {
        for (sum, count) in spread.buckets.iter_mut().zip(&self.buckets) {
            *sum += count.load(Ordering::Relaxed);
        }
        spread.sum += Duration::from_nanos(self.sum.load(Ordering::Relaxed));
    }
}

/// How long something took, over many times.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spread {
    /// How many took at most as long as the bound at the same place of [`BOUNDS`] and longer than
    /// the one before; the last, how many took longer than all of them.
    pub buckets: [u64; BOUNDS.len() + 1],
    /// All of them together.
    pub sum: Duration,
}

impl Spread {
    /// How many there were.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// The bound below which so many of a thousand lie, in microseconds: at most so long did they
    /// take. None if there is nothing, or if it lies beyond the last bound.
    pub fn at_most(&self, of_a_thousand: u64) -> Option<u64> {
        let count = self.count();
        let wanted = (count * of_a_thousand).div_ceil(1_000);
        let mut seen = 0;
        for (bucket, bound) in self.buckets.iter().zip(BOUNDS) {
            seen += bucket;
            if count > 0 && seen >= wanted {
                return Some(bound);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_took_as_long_as_a_bound_is_below_it() {
        let histogram = Histogram::default();
        for microseconds in [1, 10, 11, 20, 3_000_000] {
            histogram.add(Duration::from_micros(microseconds));
        }
        let mut spread = Spread::default();
        histogram.add_to(&mut spread);
        assert_eq!(&spread.buckets[..3], [2, 2, 0]);
        assert_eq!(spread.buckets.last(), Some(&1));
        assert_eq!((spread.count(), spread.sum.as_micros()), (5, 3_000_042));
    }

    #[test]
    fn most_lie_below_a_bound() {
        let mut spread = Spread::default();
        assert_eq!(spread.at_most(500), None);
        spread.buckets[0] = 98;
        spread.buckets[3] = 2;
        assert_eq!(spread.at_most(500), Some(10));
        assert_eq!(spread.at_most(980), Some(10));
        assert_eq!(spread.at_most(990), Some(100));
        spread.buckets[BOUNDS.len()] = 100;
        assert_eq!(spread.at_most(990), None);
    }
}
