//! What a guest must not be able to do to its host.

use std::hint::black_box;

pub fn loop_for_ever() -> ! {
    let mut n = 0_u64;
    loop {
        n = black_box(n.wrapping_add(1));
    }
}

pub fn trap() -> ! {
    #[cfg(target_family = "wasm")]
    core::arch::wasm32::unreachable();
    #[cfg(not(target_family = "wasm"))]
    std::process::abort()
}

pub fn eat_memory() -> ! {
    loop {
        black_box(Box::leak(vec![1_u8; 1 << 20].into_boxed_slice()));
    }
}

pub fn recurse(n: u64) -> u64 {
    if black_box(n) == u64::MAX {
        0
    } else {
        black_box(recurse(black_box(n + 1))) + 1
    }
}

/// A thousand strings that are all the same 900 kB.
pub fn aliasing_strings() -> impl Iterator<Item = String> {
    let text = Box::leak("x".repeat(900_000).into_boxed_str());
    (0..1000)
        .map(move |_| unsafe { String::from_raw_parts(text.as_mut_ptr(), text.len(), text.len()) })
}

/// Does what a word says, if it is one of those that every function knows.
pub fn give_up_if(word: &str) {
    match word {
        "loop" => loop_for_ever(),
        "trap" => trap(),
        "panic" => None.unwrap(),
        "eat-memory" => eat_memory(),
        "recurse" => {
            black_box(recurse(0));
        }
        "call-wasi" => println!("{:?}", std::time::SystemTime::now()),
        "flood-log" => {
            let line = "x".repeat(5000);
            for _ in 0..10_000 {
                crate::muster::plugin::log::log(crate::muster::plugin::log::LogLevel::Info, &line);
            }
        }
        _ => {}
    }
}
