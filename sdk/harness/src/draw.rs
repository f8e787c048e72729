//! Drawing inputs: seeded, so that the same seed draws the same inputs on every machine.

pub(crate) mod pattern;
pub(crate) mod profile;
pub(crate) mod report;
pub(crate) mod settings;
pub(crate) mod text;
pub(crate) mod words;

/// A generator of numbers: `SplitMix64`. Its numbers are spread well, and a stream of them is told by
/// its seed alone. Nothing here is secret.
#[derive(Debug, Clone)]
pub(crate) struct Draw(u64);

impl Draw {
    /// The stream of a seed for one purpose: what others draw does not change it.
    pub(crate) fn new(seed: u64, purpose: &str) -> Self {
        // FNV-1a, which is the same everywhere and always.
        let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        Self(purpose.bytes().fold(seed ^ 0xcbf2_9ce4_8422_2325, mix))
    }

    pub(crate) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `most`, or 0 if that is 0.
    pub(crate) fn below(&mut self, most: usize) -> usize {
        match u64::try_from(most) {
            Ok(0) | Err(_) => 0,
            Ok(most) => usize::try_from(self.number() % most).unwrap_or(0),
        }
    }

    /// Once in so many times.
    pub(crate) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub(crate) fn one_of<'a, T>(&mut self, among: &'a [T]) -> Option<&'a T> {
        let at = self.below(among.len());
        among.get(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_told_by_seed_and_purpose() {
        let first = |seed, purpose| Draw::new(seed, purpose).number();
        assert_eq!(first(1, "a"), first(1, "a"));
        assert_ne!(first(1, "a"), first(2, "a"));
        assert_ne!(first(1, "a"), first(1, "b"));
        let mut draw = Draw::new(7, "x");
        let drawn: std::collections::BTreeSet<usize> = (0..200).map(|_| draw.below(5)).collect();
        assert_eq!(drawn, (0..5).collect());
        assert_eq!(draw.below(0), 0);
    }
}
