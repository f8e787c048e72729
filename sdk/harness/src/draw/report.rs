//! Reports: what devices send, honest or not.

use super::words::Words;
use super::{Draw, pattern, text};
use crate::{Command, Report, Step, StepEnd, StepReport};

/// Bytes of output at either end that an agent keeps at most.
const MOST_KEPT: usize = 64 << 10;
/// Exit statuses that programs like, and the ends of the range.
const STATUSES: [i32; 12] = [0, 1, 2, 3, 17, 40, 126, 127, 137, 255, i32::MIN, i32::MAX];

/// A report of a device that was given this command, or of one that says anything.
pub(crate) fn draw(draw: &mut Draw, command: Option<&Command>, words: &Words) -> Report {
    let known = command.map_or(&[][..], |command| &command.steps);
    // The last step that is there is the one that ended the command.
    let count = if draw.once_in(10) {
        draw.below(40)
    } else {
        draw.below(known.len() + 1)
    };
    let steps = (0..count).map(|number| step(draw, known.get(number), words, number + 1 == count));
    Report {
        steps: steps.collect(),
    }
}

fn step(draw: &mut Draw, of: Option<&Step>, words: &Words, is_last: bool) -> StepReport {
    let program = match of {
        Some(step) if !draw.once_in(20) => step.program.clone(),
        _ => text::draw(draw, words, 64),
    };
    let meant = of
        .and_then(|step| draw.one_of(&step.statuses))
        .map(|range| range.first);
    let end = match draw.below(12) {
        _ if !is_last => StepEnd::Exited(meant.unwrap_or(0)),
        0..=3 => StepEnd::Exited(meant.unwrap_or(0)),
        4..=6 => StepEnd::Exited(draw.one_of(&STATUSES).copied().unwrap_or(0)),
        7 => StepEnd::Exited(i32::try_from(draw.below(256)).unwrap_or(0)),
        8 => StepEnd::Signalled(*draw.one_of(&[9, 11, 15, -1, i32::MAX]).unwrap_or(&9)),
        9 => StepEnd::TimedOut,
        10 => StepEnd::Stopped,
        _ => StepEnd::NotStarted(text::draw(draw, words, 300)),
    };
    let kept = of.and_then(|step| step.keep.lines.as_deref());
    StepReport {
        program,
        end,
        duration: if draw.once_in(20) {
            u64::MAX
        } else {
            draw.number() >> 44
        },
        head: output(draw, kept, words),
        tail: output(draw, kept, words),
        lines: lines(draw, of, words),
        lines_left_out: if draw.once_in(6) {
            draw.number() >> draw.below(64)
        } else {
            0
        },
    }
}

fn output(draw: &mut Draw, kept: Option<&str>, words: &Words) -> String {
    let count = match draw.below(8) {
        0 | 1 => return String::new(),
        2 => 200,
        _ => draw.below(12),
    };
    let mut text = String::new();
    for _ in 0..count {
        text.push_str(&one_line(draw, kept, words));
        text.push_str(if draw.once_in(12) { "\r\n" } else { "\n" });
    }
    if draw.once_in(30) {
        text = text::draw(draw, words, MOST_KEPT);
    }
    while text.len() > MOST_KEPT {
        text.pop();
    }
    text
}

fn lines(draw: &mut Draw, of: Option<&Step>, words: &Words) -> Vec<String> {
    let Some(step) = of else {
        return (0..draw.below(4))
            .map(|_| text::line(draw, words))
            .collect();
    };
    let Some(kept) = step.keep.lines.as_deref() else {
        return Vec::new();
    };
    let most = step.keep.most_lines as usize;
    let count = if draw.once_in(40) {
        most.min(10_000)
    } else {
        draw.below(most.min(8) + 1)
    };
    (0..count)
        .map(|_| one_line(draw, Some(kept), words))
        .collect()
}

fn one_line(draw: &mut Draw, kept: Option<&str>, words: &Words) -> String {
    // Most lines that come are such as were asked for.
    let asked = kept.filter(|_| !draw.once_in(4));
    match asked.and_then(|kept| pattern::matching(draw, kept)) {
        Some(line) if draw.once_in(6) => text::mutated(draw, &line),
        Some(line) => line.replace(['\n', '\r'], " "),
        None => text::line(draw, words),
    }
}
