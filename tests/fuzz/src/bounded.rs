//! A bounded run: the corpus and so many changes of it, the same with each seed.

use crate::{Random, Target, mutate};
use anyhow::{Context as _, Result, bail};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Done {
    /// Inputs of the corpus.
    pub corpus: usize,
    /// Changed inputs.
    pub runs: u32,
    /// How many of these were accepted. None would mean that only the front door was tried.
    pub accepted: u32,
}

/// The inputs that are kept for a target.
pub fn corpus(target: &Target) -> Result<Vec<(PathBuf, Vec<u8>)>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target.name);
    let read = || -> std::io::Result<Vec<(PathBuf, Vec<u8>)>> {
        let mut all = Vec::new();
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            let bytes = std::fs::read(&path)?;
            all.push((path, bytes));
        }
        all.sort();
        Ok(all)
    };
    let all = read().with_context(|| format!("cannot read the corpus {}", folder.display()))?;
    if all.is_empty() {
        bail!("the corpus {} is empty", folder.display());
    }
    Ok(all)
}

/// Runs a target. An input that it cannot take is written to `folder` and named.
pub fn run(target: &Target, runs: u32, seed: u64, folder: &Path) -> Result<Done> {
    let corpus = corpus(target)?;
    let mut pool: Vec<Vec<u8>> = Vec::new();
    for (path, bytes) in corpus {
        call(target, &bytes, folder).with_context(|| format!("with {}", path.display()))?;
        pool.push(bytes);
    }
    let mut done = Done {
        corpus: pool.len(),
        ..Done::default()
    };
    let mut random = Random::new(seed);
    for _ in 0..runs {
        let (from, other) = (random.below(pool.len()), random.below(pool.len()));
        let (Some(from), Some(other)) = (pool.get(from), pool.get(other)) else {
            bail!("the pool of inputs is empty");
        };
        let input = mutate(from, other, target.json, &mut random);
        let accepted = call(target, &input, folder)
            .with_context(|| format!("after {} changes with seed {seed}", done.runs))?;
        done.runs += 1;
        if accepted {
            done.accepted += 1;
            // What is accepted is where the next changes start from, so they go deeper.
            if pool.len() < 256 && input.len() < 16 << 10 {
                pool.push(input);
            }
        }
    }
    Ok(done)
}

fn call(target: &Target, input: &[u8], folder: &Path) -> Result<bool> {
    if let Ok(accepted) = catch_unwind(AssertUnwindSafe(|| (target.call)(input))) {
        return Ok(accepted);
    }
    let file = folder.join(format!("{}-panicked", target.name));
    std::fs::write(&file, input).with_context(|| format!("cannot write {}", file.display()))?;
    bail!(
        "{} panicked, as is told above, with the input that is now in {}",
        target.name,
        file.display()
    )
}
