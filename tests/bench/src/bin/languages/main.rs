//! `cargo xtask bench languages`: the same plug-in in Rust, C, JavaScript and Python.
//!
//! [`subject`] is what is compared. Sizes and the gate are told once; loading is mapping what was
//! compiled; an instance is made and dropped again, which every call does. `validate` and `translate`
//! are the guest's own.

mod subject;

use anyhow::Result;
use clap::Parser;
use muster_bench::machine;
use muster_bench::measure::Measure;
use muster_bench::report::{self, Report};
use muster_bench::rounds::{Case, take};
use muster_plugin_host::{compile_child_main, map_alone};
use std::cell::RefCell;
use std::hint::black_box;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;
use subject::{LANGUAGES, Subject, devices, scan, settings};

#[derive(Parser)]
#[command(about = "The same plug-in in every language")]
struct Line {
    #[command(flatten)]
    options: report::Options,
}

/// What is measured of each call, with its words.
const CALLS: [(&str, &str); 6] = [
    ("instance", "an instance made and dropped"),
    (
        "validate.reused",
        "`validate`, one instance used again and again",
    ),
    (
        "validate.fresh",
        "**`validate`, fresh store for each call (what the server uses)**",
    ),
    (
        "validate.fresh_checked",
        "the same, with the host's check of the settings by the schema",
    ),
    ("translate.fresh", "`translate` for one device, fresh store"),
    (
        "translate.batch",
        "`translate` for 100 devices in one call, for each",
    ),
];

const BATCH: u32 = 100;

fn main() -> ExitCode {
    // The compiling child is first and bare: it limits itself before anything else.
    let mut arguments = std::env::args_os().skip(1).peekable();
    if arguments
        .next_if(|first| first == subject::COMPILE)
        .is_some()
    {
        return compile_child_main(arguments);
    }
    match measure(&Line::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn measure(line: &Line) -> Result<()> {
    let (rounds, turn) = if line.options.quick {
        (11, Duration::from_millis(10))
    } else {
        (51, Duration::from_millis(30))
    };
    let machine = machine::describe();
    let runtime = tokio::runtime::Runtime::new()?;
    let folder = tempfile::Builder::new().prefix("muster-bench-").tempdir()?;
    let mut subjects = Vec::new();
    for language in LANGUAGES {
        eprintln!("compiling the plug-in in {language}");
        let private = folder.path().join(language);
        subjects.push(runtime.block_on(Subject::load(language, &private))?);
    }
    let mut measures = once(&subjects, rounds)?;
    eprintln!("calls, {rounds} rounds");
    measures.extend(calls(&subjects, rounds, turn)?);
    let report = Report {
        name: "languages",
        machine,
        measures,
        notes: vec![format!(
            "`validate` gets {} bytes of JSON, and looks at all paths in pairs.",
            settings()?.as_str().len()
        )],
    };
    report.tell(&line.options)
}

/// One measure of all languages, each compared with the first.
fn compared(
    what: &str,
    words: &'static str,
    unit: &'static str,
    samples: &[Vec<f64>],
) -> Vec<Measure> {
    let [first, ..] = LANGUAGES;
    let name = |language: &str| format!("languages.{language}.{what}");
    let each = LANGUAGES.into_iter().zip(samples);
    each.map(|(language, own)| {
        let measure = Measure::new(name(language), words, unit, own);
        match samples.first().filter(|_| language != first) {
            Some(of) => measure.compared(own, name(first), of),
            None => measure,
        }
    })
    .collect()
}

/// What is not a matter of calls.
fn once(subjects: &[Subject], rounds: usize) -> Result<Vec<Measure>> {
    #[expect(
        clippy::cast_precision_loss,
        reason = "sizes of files are far below 2^52"
    )]
    let kibibytes = |bytes: u64| vec![bytes as f64 / 1024.0];
    let file = |path: &Path| Ok::<_, anyhow::Error>(kibibytes(std::fs::metadata(path)?.len()));
    let (mut sizes, mut codes, mut gates, mut maps) = (vec![], vec![], vec![], vec![]);
    for subject in subjects {
        sizes.push(kibibytes(u64::try_from(subject.plugin.size())?));
        codes.push(file(&subject.code)?);
        gates.push(vec![subject.gate.as_secs_f64() * 1e3]);
        let code = [subject.code.clone()];
        let mapped = (0..rounds).map(|_| Ok(map_alone(&code)?.as_secs_f64() * 1e6));
        maps.push(mapped.collect::<Result<Vec<_>>>()?);
    }
    let gate = "the gate: inspected, compiled in a child, asked for its description";
    Ok([
        compared("size", "the component", "KiB", &sizes),
        compared(
            "code",
            "its compiled code, a file that is mapped",
            "KiB",
            &codes,
        ),
        compared("gate", gate, "ms", &gates),
        compared("map", "loading: compiled code mapped", "us", &maps),
    ]
    .concat())
}

fn calls(subjects: &[Subject], rounds: usize, turn: Duration) -> Result<Vec<Measure>> {
    let (scan, settings) = (scan()?, settings()?);
    let one = [devices(1)];
    let many: Vec<_> = (1..=BATCH).map(devices).collect();
    let mut cases = Vec::new();
    for Subject { plugin, .. } in subjects {
        let (scan, settings, one, many) = (&scan, &settings, &one, &many);
        let warm = RefCell::new(plugin.warm()?);
        cases.push(Case::new("instance", move || {
            drop(black_box(plugin.warm()?));
            Ok(())
        }));
        cases.push(Case::new("validate.reused", move || {
            let again = warm.borrow_mut().validate(scan, settings);
            // A guest of Rust never gives memory back: when it is full, another instance is next.
            if again.is_err() {
                *warm.borrow_mut() = plugin.warm()?;
                drop(black_box(warm.borrow_mut().validate(scan, settings)?));
            }
            Ok(())
        }));
        cases.push(Case::new("validate.fresh", move || {
            drop(black_box(plugin.validate_bare(scan, settings)?));
            Ok(())
        }));
        cases.push(Case::new("validate.fresh_checked", move || {
            drop(black_box(plugin.validate_here(scan, settings)?));
            Ok(())
        }));
        cases.push(Case::new("translate.fresh", move || {
            drop(black_box(plugin.translate_bare(scan, settings, one)?));
            Ok(())
        }));
        cases.push(Case::of_many("translate.batch", BATCH, move || {
            drop(black_box(plugin.translate_bare(scan, settings, many)?));
            Ok(())
        }));
    }
    let samples = take(&mut cases, rounds, turn)?;
    let measures = CALLS
        .iter()
        .enumerate()
        .flat_map(|(number, (what, words))| {
            // Cases stand language by language.
            let own = samples.iter().skip(number).step_by(CALLS.len());
            let own: Vec<_> = own.cloned().collect();
            compared(what, words, "us", &own)
        });
    Ok(measures.collect())
}
