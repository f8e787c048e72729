//! One call after the other: the same question to the plug-in in all its forms.

use crate::Effort;
use crate::child::{Child, Request};
use crate::reused::Reused;
use crate::subject::{BATCH, Subject};
use anyhow::{Result, ensure};
use muster_bench::measure::Measure;
use muster_bench::rounds::{Case, take};
use muster_sdk::{Command, Failure, Refusal, Verdict};
use std::cell::RefCell;
use std::hint::black_box;
use tokio::runtime::Runtime;

/// A case's name, its words, what it is compared with, and the aim.
struct Row(
    &'static str,
    &'static str,
    Option<&'static str>,
    Option<Aim>,
);

enum Aim {
    AtMost(f64),
    AtLeast(f64),
}

use Aim::{AtLeast, AtMost};

const NATIVE_V: &str = "engine.validate.native";
const NATIVE_T: &str = "engine.translate.native";
const NATIVE_BATCH: &str = "engine.translate.native_batch";

// In the order of the cases below.
#[rustfmt::skip]
const ROWS: [Row; 19] = [
    Row(NATIVE_V, "the plug-in linked into the program, called directly", None, None),
    Row("engine.validate.reused", "component, one instance used again and again", Some(NATIVE_V), None),
    Row("engine.validate.fresh", "**component, fresh store for each call (what the server uses)**", Some(NATIVE_V), Some(AtMost(4.0))),
    Row("engine.validate.fresh_checked", "the same, with the host's own check of the settings by the schema, and of the answer", Some(NATIVE_V), None),
    Row("engine.validate.fresh_queued", "the same, through the queue to another thread and back", Some(NATIVE_V), None),
    Row("engine.validate.batch", "1,000 such calls given to the queue at once, on all call threads, for each", Some(NATIVE_V), None),
    Row("engine.validate.process", "a persistent child process that answers JSON lines", Some(NATIVE_V), None),
    Row("engine.validate.spawn", "a process for each call", Some("engine.validate.fresh"), Some(AtLeast(100.0))),
    Row(NATIVE_T, "one device: the plug-in linked into the program", None, None),
    Row("engine.translate.reused", "one device: component, one instance used again and again", Some(NATIVE_T), None),
    Row("engine.translate.fresh", "one device: component, fresh store", Some(NATIVE_T), None),
    Row("engine.translate.fresh_checked", "the same, with the host's check of the command", Some(NATIVE_T), None),
    Row("engine.translate.process", "one device: child process, JSON lines", Some(NATIVE_T), None),
    Row("engine.translate.spawn", "one device: a process for each call", Some("engine.translate.fresh"), None),
    Row(NATIVE_BATCH, "1,000 devices in one call, for each: linked into the program", None, None),
    Row("engine.translate.reused_batch", "1,000 devices, for each: one instance used again and again", Some(NATIVE_BATCH), None),
    Row("engine.translate.batch", "**1,000 devices, for each: component, fresh store for the call**", Some(NATIVE_BATCH), Some(AtMost(3.0))),
    Row("engine.translate.batch_checked", "the same, with the host's check of each command", Some(NATIVE_BATCH), None),
    Row("engine.translate.process_batch", "1,000 devices, for each: child process, JSON lines", Some(NATIVE_BATCH), None),
];

pub(crate) fn measure(
    subject: &Subject,
    runtime: &Runtime,
    effort: &Effort,
) -> Result<Vec<Measure>> {
    let warm = RefCell::new(Reused::new(subject)?);
    let child = RefCell::new(Child::start()?);
    let mut cases = validate(subject, runtime, &warm, &child);
    cases.extend(translate(subject, &warm, &child));
    ensure!(cases.len() == ROWS.len(), "a case without a row");
    let samples = take(&mut cases, effort.rounds, effort.turn)?;
    drop(cases);
    let of = |name: &str| {
        let place = ROWS.iter().position(|row| row.0 == name)?;
        samples.get(place)
    };
    Ok(ROWS
        .iter()
        .zip(&samples)
        .map(|(Row(name, words, base, aim), own)| {
            let mut measure = Measure::new(*name, words, "us", own);
            if let Some((base, others)) = base.and_then(|base| Some((base, of(base)?))) {
                measure = measure.compared(own, base, others);
            }
            match aim {
                Some(AtMost(most)) => measure.at_most(*most),
                Some(AtLeast(least)) => measure.at_least(*least),
                None => measure,
            }
        })
        .collect())
}

type Warm<'a> = RefCell<Reused<'a>>;
type Answered = Result<Verdict, Failure>;
type Commands = Vec<Result<Command, Refusal>>;

fn validate<'a>(
    subject: &'a Subject,
    runtime: &'a Runtime,
    warm: &'a Warm<'_>,
    child: &'a RefCell<Child>,
) -> Vec<Case<'a>> {
    let Subject {
        plugin,
        task_type,
        settings,
        ..
    } = subject;
    vec![
        Case::new("validate.native", || {
            done(subject.native_verdict()?);
            Ok(())
        }),
        Case::new("validate.reused", || {
            done(warm.borrow_mut().validate(settings)?);
            Ok(())
        }),
        Case::new("validate.fresh", || {
            done(plugin.validate_bare(task_type, settings)?);
            Ok(())
        }),
        Case::new("validate.fresh_checked", || {
            done(plugin.validate_here(task_type, settings)?);
            Ok(())
        }),
        Case::new("validate.fresh_queued", || {
            done(runtime.block_on(plugin.validate(task_type, settings))?);
            Ok(())
        }),
        Case::of_many("validate.batch", BATCH, || {
            let calls = (0..BATCH).map(|_| plugin.validate(task_type, settings));
            done(runtime.block_on(futures_util::future::try_join_all(calls))?);
            Ok(())
        }),
        Case::new("validate.process", || {
            let request = Request::validate(settings.as_str());
            done(child.borrow_mut().ask::<Answered>(&request)?);
            Ok(())
        }),
        Case::new("validate.spawn", || {
            let request = Request::validate(settings.as_str());
            done(Child::start()?.ask::<Answered>(&request)?);
            Ok(())
        }),
    ]
}

fn translate<'a>(
    subject: &'a Subject,
    warm: &'a Warm<'_>,
    child: &'a RefCell<Child>,
) -> Vec<Case<'a>> {
    let Subject {
        plugin,
        task_type,
        short,
        one,
        many,
        native_one,
        native_many,
        ..
    } = subject;
    let warm = |profiles: &'a [_]| {
        move || {
            let mut warm = warm.borrow_mut();
            done(warm.translate(short, profiles)?);
            Ok(())
        }
    };
    let fresh = |profiles: &'a [_]| {
        move || {
            done(plugin.translate_bare(task_type, short, profiles)?);
            Ok(())
        }
    };
    let checked = |profiles: &'a [_]| {
        move || {
            done(plugin.translate_here(task_type, short, profiles)?);
            Ok(())
        }
    };
    let lines = |profiles: &'a [_]| {
        move || {
            let request = Request::translate(short.as_str(), profiles);
            done(child.borrow_mut().ask::<Commands>(&request)?);
            Ok(())
        }
    };
    vec![
        Case::new("translate.native", || {
            done(subject.native_commands(native_one));
            Ok(())
        }),
        Case::new("translate.reused", warm(one)),
        Case::new("translate.fresh", fresh(one)),
        Case::new("translate.fresh_checked", checked(one)),
        Case::new("translate.process", lines(native_one)),
        Case::new("translate.spawn", || {
            let request = Request::translate(short.as_str(), native_one);
            done(Child::start()?.ask::<Commands>(&request)?);
            Ok(())
        }),
        Case::of_many("translate.native_batch", BATCH, || {
            done(subject.native_commands(native_many));
            Ok(())
        }),
        Case::of_many("translate.reused_batch", BATCH, warm(many)),
        Case::of_many("translate.batch", BATCH, fresh(many)),
        Case::of_many("translate.batch_checked", BATCH, checked(many)),
        Case::of_many("translate.process_batch", BATCH, lines(native_many)),
    ]
}

/// An answer that was really made, and is dropped within the time that is measured.
fn done<T>(answer: T) {
    drop(black_box(answer));
}
