//! Output of a step: its head, its tail, and the lines that were asked for; never more in memory
//! than that, whatever a program writes.

use super::mask::{Mask, Masked};
use super::progress::Progress;
use muster_domain::command::KeptOutput;
use regex::Regex;
use std::collections::VecDeque;
use std::sync::Arc;

/// A line is looked at up to here; what is beyond counts to no line.
const MOST_LINE: usize = 8 * 1024;
const MOST_END: usize = 64 * 1024;
const MOST_LINES: usize = 10_000;
/// All lines together. The report has a smaller limit; this one is for memory.
const MOST_LINE_BYTES: usize = 4 * 1024 * 1024;

/// What is kept of a step's output. Both of its streams end here.
pub(crate) struct Output {
    head: Vec<u8>,
    head_most: usize,
    tail: VecDeque<u8>,
    tail_most: usize,
    wanted: Option<Regex>,
    lines: Vec<String>,
    lines_most: usize,
    line_bytes: usize,
    left_out: u64,
    unfinished: [Vec<u8>; 2],
    progress: Progress,
    mask: Arc<Mask>,
    streams: [Masked; 2],
}

/// Which of the two streams.
#[derive(Clone, Copy)]
pub(crate) enum Stream {
    Output = 0,
    Error = 1,
}

/// What was kept, as a report says it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) head: String,
    pub(crate) tail: String,
    pub(crate) lines: Vec<String>,
    pub(crate) left_out: u64,
}

impl Output {
    pub(crate) fn new(keep: &KeptOutput, wanted: Option<Regex>, progress: Progress) -> Self {
        Self {
            head: Vec::new(),
            head_most: (keep.head as usize).min(MOST_END),
            tail: VecDeque::new(),
            tail_most: (keep.tail as usize).min(MOST_END),
            wanted,
            lines: Vec::new(),
            lines_most: (keep.most_lines as usize).min(MOST_LINES),
            line_bytes: 0,
            left_out: 0,
            unfinished: [Vec::new(), Vec::new()],
            progress,
            mask: Arc::default(),
            streams: Default::default(),
        }
    }

    /// The same, in which no secret is kept, nor looked at by the rules of a command.
    pub(crate) fn masked(mut self, mask: Arc<Mask>) -> Self {
        self.mask = mask;
        self
    }

    /// One that keeps nothing, to stand in the place of one that was taken.
    pub(crate) fn nothing() -> Self {
        Self::new(
            &KeptOutput {
                head: 0,
                tail: 0,
                lines: None,
                most_lines: 0,
            },
            None,
            Progress::silent(),
        )
    }

    /// Takes what a stream gave.
    pub(crate) fn take(&mut self, stream: Stream, bytes: &[u8]) {
        if self.mask.is_empty() {
            return self.keep(stream, bytes);
        }
        if let Some(masked) = self.streams.get_mut(stream as usize) {
            let bytes = self.mask.pass(masked, bytes);
            self.keep(stream, &bytes);
        }
    }

    fn keep(&mut self, stream: Stream, bytes: &[u8]) {
        let (head, rest) = bytes.split_at(bytes.len().min(self.head_most - self.head.len()));
        self.head.extend_from_slice(head);
        let rest = rest
            .get(rest.len().saturating_sub(self.tail_most)..)
            .unwrap_or_default();
        self.tail.extend(rest);
        let over = self.tail.len().saturating_sub(self.tail_most);
        self.tail.drain(..over);

        let mut pieces = bytes.split(|byte| matches!(byte, b'\n' | b'\r')).peekable();
        while let Some(piece) = pieces.next() {
            let mut line = self.unfinished_of(stream);
            let room = MOST_LINE - line.len();
            line.extend_from_slice(piece.get(..room).unwrap_or(piece));
            if pieces.peek().is_some() {
                self.line(&line);
                line.clear();
            }
            self.put_back(stream, line);
        }
    }

    fn unfinished_of(&mut self, stream: Stream) -> Vec<u8> {
        self.unfinished
            .get_mut(stream as usize)
            .map(std::mem::take)
            .unwrap_or_default()
    }

    fn put_back(&mut self, stream: Stream, line: Vec<u8>) {
        if let Some(slot) = self.unfinished.get_mut(stream as usize) {
            *slot = line;
        }
    }

    fn line(&mut self, line: &[u8]) {
        // Between the two characters of a DOS line end there is no line.
        if line.is_empty() {
            return;
        }
        let line = String::from_utf8_lossy(line);
        self.progress.line(&line);
        if !self
            .wanted
            .as_ref()
            .is_some_and(|wanted| wanted.is_match(&line))
        {
            return;
        }
        if self.lines.len() < self.lines_most && self.line_bytes + line.len() <= MOST_LINE_BYTES {
            self.line_bytes += line.len();
            self.lines.push(line.into_owned());
        } else {
            self.left_out += 1;
        }
    }

    /// The end of the output: the last lines may lack their line ends.
    pub(crate) fn finish(mut self) -> (Kept, Progress) {
        for stream in [Stream::Output, Stream::Error] {
            if let Some(masked) = self.streams.get_mut(stream as usize) {
                let rest = self.mask.finish(masked);
                self.keep(stream, &rest);
            }
        }
        for line in std::mem::take(&mut self.unfinished) {
            self.line(&line);
        }
        // A tail may begin in the middle of a character.
        let broken = self
            .tail
            .iter()
            .take(3)
            .take_while(|byte| *byte & 0xC0 == 0x80)
            .count();
        if broken < self.tail.len() {
            self.tail.drain(..broken);
        }
        let tail: Vec<u8> = self.tail.into();
        let kept = Kept {
            head: String::from_utf8_lossy(&self.head).into_owned(),
            tail: String::from_utf8_lossy(&tail).into_owned(),
            lines: self.lines,
            left_out: self.left_out,
        };
        (kept, self.progress)
    }
}

/// Bytes that a report may still have on its way to the server, where a control character counts
/// six.
pub(crate) struct Allowance(usize);

impl Allowance {
    /// A whole report.
    pub(crate) const REPORT: usize = 3 * 1024 * 1024;
    /// What every later step is left at least.
    const LATER_STEP: usize = 16 * 1024;

    pub(crate) fn new() -> Self {
        Self(Self::REPORT)
    }

    /// Cuts what a step kept to what is left for it, when so many steps come after it.
    pub(crate) fn cut(&mut self, mut kept: Kept, later: usize) -> Kept {
        let mut left = self.0.saturating_sub(later * Self::LATER_STEP);
        let before = left;
        for text in [&mut kept.head, &mut kept.tail] {
            cut_text(text, left);
            left -= escaped(text);
        }
        let fitting = kept.lines.iter().take_while(|line| {
            let size = escaped(line) + 3;
            let fits = size <= left;
            left -= if fits { size } else { 0 };
            fits
        });
        let fitting = fitting.count();
        kept.left_out += (kept.lines.len() - fitting) as u64;
        kept.lines.truncate(fitting);
        self.0 -= before - left;
        kept
    }
}

/// The length of a text in JSON.
fn escaped(text: &str) -> usize {
    text.chars().map(escaped_char).sum()
}

fn escaped_char(c: char) -> usize {
    match c {
        '"' | '\\' => 2,
        c if u32::from(c) < 0x20 => 6,
        c => c.len_utf8(),
    }
}

fn cut_text(text: &mut String, most: usize) {
    let mut length = 0;
    let end = text.char_indices().find_map(|(at, c)| {
        length += escaped_char(c);
        (length > most).then_some(at)
    });
    if let Some(end) = end {
        text.truncate(end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keep(head: u32, tail: u32, lines: Option<&str>, most_lines: u32) -> Output {
        let keep = KeptOutput {
            head,
            tail,
            lines: lines.map(str::to_owned),
            most_lines,
        };
        Output::new(
            &keep,
            lines.map(|pattern| Regex::new(pattern).unwrap()),
            Progress::silent(),
        )
    }

    #[test]
    fn head_and_tail_are_kept_and_the_middle_is_not() {
        let mut output = keep(3, 4, None, 0);
        for byte in b"abcdefghij" {
            output.take(Stream::Output, &[*byte]);
        }
        let kept = output.finish().0;
        assert_eq!((kept.head.as_str(), kept.tail.as_str()), ("abc", "ghij"));
    }

    #[test]
    fn wanted_lines_are_found_in_pieces_of_both_streams_with_every_line_end() {
        let mut output = keep(0, 0, Some("FOUND"), 2);
        output.take(Stream::Output, b"a: FO");
        output.take(Stream::Error, b"b: FOUND\r\nx\r");
        output.take(Stream::Output, b"UND\rc: OK\nd: FOUND");
        let kept = output.finish().0;
        assert_eq!(kept.lines, ["b: FOUND", "a: FOUND"]);
        assert_eq!(kept.left_out, 1);
    }

    #[test]
    fn a_hundred_megabytes_without_a_line_end_keep_little() {
        let mut output = keep(10, 10, Some("x"), 5);
        let chunk = vec![b'x'; 64 * 1024];
        for _ in 0..1600 {
            output.take(Stream::Output, &chunk);
        }
        assert!(
            output.tail.capacity() < 1024 * 1024
                && output.unfinished[0].capacity() <= 2 * MOST_LINE
        );
        let kept = output.finish().0;
        assert_eq!(
            (kept.head.len(), kept.tail.len(), kept.lines[0].len()),
            (10, 10, MOST_LINE)
        );
    }

    #[test]
    fn a_report_fits_whatever_the_steps_wrote() {
        let mut allowance = Allowance::new();
        let mut total = 0;
        for later in (0..32).rev() {
            let kept = Kept {
                head: "\u{1}".repeat(64 * 1024),
                tail: "\u{FFFD}".repeat(64 * 1024),
                lines: vec!["\u{2}".repeat(400); 10_000],
                left_out: 0,
            };
            let kept = allowance.cut(kept, later);
            assert!(!kept.head.is_empty());
            assert_eq!(kept.lines.len() as u64 + kept.left_out, 10_000);
            total += serde_json::to_string(&(kept.head, kept.tail, kept.lines))
                .unwrap()
                .len();
        }
        assert!(total < 4 * 1024 * 1024, "{total}");
    }
}
