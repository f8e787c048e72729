//! Whatever a device's user and an administrator do to the device's tasks, in whatever order, with links that
//! break, agents and servers that are killed and clocks that are set: no edit vanishes without a
//! record, the administrator wins, and both sides end equal.

#![allow(
    clippy::await_holding_refcell_ref,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    reason = "one history runs at a time, and has server and clock to itself"
)]

use anyhow::{Context as _, Result, ensure};
use muster_histories::{Server, Step, World, check};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::process::Command;

/// Histories, unless `MUSTER_HISTORIES` says how many.
const HISTORIES: u32 = 60;
/// Steps of each, at most.
const STEPS: usize = 60;
const CLOCK: &str = "MUSTER_CLOCK";
const ALGORITHM: RngAlgorithm = RngAlgorithm::ChaCha;

/// The clocks of both sides go by a file, which has to be there when the program starts: it starts itself
/// again.
#[test]
fn no_edit_vanishes_and_both_sides_end_equal() -> Result<()> {
    if let Some(clock) = std::env::var_os(CLOCK) {
        return histories(PathBuf::from(clock));
    }
    let folder = tempfile::tempdir()?;
    let clock = folder.path().join("clock");
    std::fs::write(&clock, "0")?;
    let status = Command::new(std::env::current_exe()?)
        .args([
            "--exact",
            "no_edit_vanishes_and_both_sides_end_equal",
            "--nocapture",
        ])
        .env(CLOCK, &clock)
        .status()
        .context("cannot start the histories")?;
    ensure!(status.success(), "some history does not hold: {status}");
    Ok(())
}

/// Other numbers each time.
fn rand_seed() -> [u8; 32] {
    let mut seed = [0; 32];
    let time = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let time = time.map_or(0, |time| time.as_nanos());
    seed[..16].copy_from_slice(&time.to_le_bytes());
    println!("seed {seed:?}");
    seed
}

fn histories(clock: PathBuf) -> Result<()> {
    // Other histories are for whoever asks for some: what a test finds has to be found again.
    let (cases, rng) = match std::env::var("MUSTER_HISTORIES") {
        Ok(number) => (number.parse()?, TestRng::from_seed(ALGORITHM, &rand_seed())),
        Err(_) => (HISTORIES, TestRng::deterministic_rng(ALGORITHM)),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let server = RefCell::new(runtime.block_on(Server::start())?);
    let (number, steps) = (Cell::new(0_u32), Cell::new(0));
    let config = Config {
        cases,
        max_shrink_iters: 40,
        failure_persistence: None,
        ..Config::default()
    };
    let mut runner = TestRunner::new_with_rng(config, rng);
    let ran = runner.run(&prop::collection::vec(Step::any(), 1..STEPS), |history| {
        number.set(number.get() + 1);
        steps.set(steps.get() + history.len());
        let name = format!("pc-{}", number.get());
        let clock = clock.clone();
        std::fs::write(&clock, "0").map_err(|cause| TestCaseError::fail(cause.to_string()))?;
        let held = runtime.block_on(async {
            let mut server = server.borrow_mut();
            let mut world = World::begin(&mut server, &name, Some(clock)).await?;
            for step in &history {
                world.go(step).await.with_context(|| format!("{step:?}"))?;
            }
            world.come_to_rest().await?;
            check(&world).await
        });
        held.map_err(|error| {
            // A history that is being made shorter says why it does not hold, each time.
            println!("{} steps: {error:#}", history.len());
            TestCaseError::fail(format!("{error:#}"))
        })
    });
    println!("{} histories, {} steps", number.get(), steps.get());
    match ran {
        Ok(()) => Ok(()),
        Err(TestError::Fail(why, history)) => {
            anyhow::bail!("{why}\nin {} steps: {history:#?}", history.len())
        }
        Err(other) => Err(other.into()),
    }
}
