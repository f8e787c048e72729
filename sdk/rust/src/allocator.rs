//! A guest's memory: it only moves forward.
//!
//! Every call gets a fresh instance, so what is freed within a call need not be found again; not
//! looking for it makes a call about a third faster. Only the newest block is given back or grown in
//! place, which is what growing strings and lists ask for.
//!
//! The first memory is part of the module's own, zeroed and untouched until it is used, so that
//! most calls never ask the engine for more.

#![expect(unsafe_code, reason = "an allocator hands out raw memory")]

use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::ptr;

const FIRST: usize = 256 * 1024;
const PAGE: usize = 64 * 1024;
// Larger steps ask the engine less often; a page that is never touched costs nothing.
const GROW_PAGES: usize = 16;

struct Forward {
    first: UnsafeCell<[u8; FIRST]>,
    /// Where the next block begins at the earliest; 0 before the first.
    next: UnsafeCell<usize>,
    end: UnsafeCell<usize>,
}

// SAFETY: a component's instance has one thread.
unsafe impl Sync for Forward {}

#[global_allocator]
static FORWARD: Forward = Forward {
    first: UnsafeCell::new([0; FIRST]),
    next: UnsafeCell::new(0),
    end: UnsafeCell::new(0),
};

impl Forward {
    /// Makes room for `size` more bytes from `start` on, and says where they may begin; none if there
    /// is no more memory.
    #[cold]
    fn reach(&self, start: usize, size: usize) -> Option<usize> {
        let (next, end) = (self.next.get(), self.end.get());
        // SAFETY: one thread, and no reference to the cells is kept.
        unsafe {
            if *end == 0 {
                *next = self.first.get().addr();
                *end = *next + FIRST;
                return Some(*next);
            }
            let wanted = size.checked_add(PAGE)?.div_ceil(PAGE);
            let mut got = core::arch::wasm32::memory_grow(0, wanted.max(GROW_PAGES));
            if got == usize::MAX {
                got = core::arch::wasm32::memory_grow(0, wanted);
            }
            if got == usize::MAX {
                return None;
            }
            let begin = got * PAGE;
            // Somebody else may have grown the memory in between; then the rest is left behind.
            let from = if begin == *end { start } else { begin };
            *end = core::arch::wasm32::memory_size(0).saturating_mul(PAGE);
            Some(from)
        }
    }
}

// SAFETY: blocks lie one after the other, are aligned as asked, and never overlap: `next` only goes
// back over the newest block.
unsafe impl GlobalAlloc for Forward {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let (size, align) = (layout.size(), layout.align());
        let (next, end) = (self.next.get(), self.end.get());
        // SAFETY: one thread, and no reference to the cells is kept.
        unsafe {
            let mut start = (*next).next_multiple_of(align);
            while start.checked_add(size).is_none_or(|stop| stop > *end) || *end == 0 {
                let Some(from) = self.reach(start, size.saturating_add(align)) else {
                    return ptr::null_mut();
                };
                start = from.next_multiple_of(align);
            }
            *next = start + size;
            ptr::with_exposed_provenance_mut(start)
        }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let next = self.next.get();
        // SAFETY: as above.
        unsafe {
            if block.addr() + layout.size() == *next {
                *next = block.addr();
            }
        }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let (next, end) = (self.next.get(), self.end.get());
        // SAFETY: as above; a moved block is new and at least as large as what is copied into it.
        unsafe {
            let newest = block.addr() + layout.size() == *next;
            if newest
                && block
                    .addr()
                    .checked_add(size)
                    .is_some_and(|stop| stop <= *end)
            {
                *next = block.addr() + size;
                return block;
            }
            if size <= layout.size() {
                return block;
            }
            let moved = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !moved.is_null() {
                ptr::copy_nonoverlapping(block, moved, layout.size());
            }
            moved
        }
    }
}
