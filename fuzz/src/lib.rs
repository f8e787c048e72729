//! Gives a target of `muster-fuzz` to libFuzzer, with the changes that know JSON.

pub use libfuzzer_sys;
pub use muster_fuzz;

/// The program of one target.
#[macro_export]
macro_rules! target {
    ($name:literal) => {
        $crate::libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
            let target = $crate::muster_fuzz::target($name).expect("it is in the list");
            (target.call)(bytes);
        });

        $crate::libfuzzer_sys::fuzz_mutator!(
            |bytes: &mut [u8], size: usize, most: usize, seed: u32| {
                // Half of the changes are libFuzzer's own, which coverage guides.
                if seed % 2 == 0 {
                    return $crate::libfuzzer_sys::fuzzer_mutate(bytes, size, most);
                }
                let target = $crate::muster_fuzz::target($name).expect("it is in the list");
                let mut random = $crate::muster_fuzz::Random::new(seed.into());
                let from = &bytes[..size];
                let changed = $crate::muster_fuzz::mutate(from, from, target.json, &mut random);
                let size = changed.len().min(most);
                bytes[..size].copy_from_slice(&changed[..size]);
                size
            }
        );
    };
}
