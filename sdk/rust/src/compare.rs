//! Comparing bytes, eight at a time: the target's own `memcmp` takes them one by one, and comparing
//! strings is much of what checking settings is.

#![expect(unsafe_code, reason = "C's comparison gets raw memory")]

use core::ffi::c_int;
use core::ptr;

const WORD: usize = size_of::<u64>();

/// C's `memcmp`.
///
/// # Safety
///
/// Both blocks can be read for `count` bytes.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(one: *const u8, other: *const u8, count: usize) -> c_int {
    let mut at = 0;
    // SAFETY: at + WORD and at stay within `count`; reads need no alignment.
    unsafe {
        while at + WORD <= count {
            let (a, b) = (word(one, at), word(other, at));
            if a != b {
                return if a.swap_bytes() < b.swap_bytes() {
                    -1
                } else {
                    1
                };
            }
            at += WORD;
        }
        while at < count {
            let (a, b) = (*one.add(at), *other.add(at));
            if a != b {
                return c_int::from(a) - c_int::from(b);
            }
            at += 1;
        }
    }
    0
}

/// C's `bcmp`: only whether they differ.
///
/// # Safety
///
/// As of [`memcmp`].
#[unsafe(no_mangle)]
unsafe extern "C" fn bcmp(one: *const u8, other: *const u8, count: usize) -> c_int {
    let mut at = 0;
    // SAFETY: as in `memcmp`.
    unsafe {
        while at + WORD <= count {
            if word(one, at) != word(other, at) {
                return 1;
            }
            at += WORD;
        }
        while at < count {
            if *one.add(at) != *other.add(at) {
                return 1;
            }
            at += 1;
        }
    }
    0
}

/// # Safety
///
/// A word can be read there.
#[inline]
unsafe fn word(block: *const u8, at: usize) -> u64 {
    // SAFETY: the caller's promise; a guest's memory is little-endian.
    unsafe { ptr::read_unaligned(block.add(at).cast()) }
}
