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

/// One page of 64 KiB after the other.
pub fn eat_memory_slowly() -> ! {
    #[cfg(target_family = "wasm")]
    while core::arch::wasm32::memory_grow::<0>(1) != usize::MAX {}
    trap()
}

/// All the memory that it can have, written again and again.
fn fill_memory() -> ! {
    let mut all = Vec::<u8>::with_capacity(48 << 20);
    loop {
        all.clear();
        all.resize(48 << 20, black_box(1));
        black_box(&mut all);
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

fn log(line: &str) {
    crate::muster::plugin::log::log(crate::muster::plugin::log::LogLevel::Info, line);
}

/// Does what a word says, if it is one of those that every function knows.
pub fn give_up_if(word: &str) {
    match word {
        "loop" => loop_for_ever(),
        "trap" => trap(),
        "panic" => None.unwrap(),
        "eat-memory" => eat_memory(),
        "eat-memory-slowly" => eat_memory_slowly(),
        "fill-memory" => fill_memory(),
        "read-file" => drop(black_box(std::fs::read("/etc/passwd"))),
        "open-socket" => drop(black_box(std::net::TcpStream::connect("127.0.0.1:22"))),
        "sleep" => std::thread::sleep(std::time::Duration::from_secs(3600)),
        "exit" => std::process::exit(0),
        "read-input" => {
            let _ = black_box(std::io::stdin().read_line(&mut String::new()));
        }
        "environment" => assert_eq!(black_box(std::env::vars().count()), 0),
        "log-control-characters" => log("x\u{1b}[2J\n2026-01-01 ERROR forged \u{202e}line"),
        "log-giant-line" => log(&"x".repeat(3 << 20)),
        "recurse" => {
            black_box(recurse(0));
        }
        "call-wasi" => println!("{:?}", std::time::SystemTime::now()),
        "flood-log" => {
            let line = "x".repeat(5000);
            for _ in 0..10_000 {
                log(&line);
            }
        }
        _ => {}
    }
}
