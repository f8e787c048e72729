#![no_main]

muster_fuzz_targets::target!("root");
