//! `muster plugin health`: how a plug-in's calls go, against its limits.

use crate::client::path;
use crate::command::Context;
use crate::failure::Failure;
use crate::output::{Cell, Tint, cell, number};
use muster_api::plugin::health::{FunctionHealthView, PluginHealthView};

pub(super) async fn run(context: &Context, application: &str) -> Result<(), Failure> {
    let answer = context
        .client
        .get(&path(&["plugins", application, "health"]), &vec![])
        .await?;
    if context.out.is_json() {
        return context.out.json(&answer.raw);
    }
    let health: PluginHealthView = answer.view()?;
    let mut fields = vec![
        ("application", cell(health.application)),
        ("version", cell(health.version)),
        ("digest", cell(health.digest)),
    ];
    if let Some(fault) = health.last_fault {
        let text = format!("{} in {}: {}", fault.outcome, fault.function, fault.text);
        fields.push(("last fault", cell(text).tint(Tint::Bad)));
        fields.push(("at", cell(context.out.clock.short(fault.at))));
    }
    context.out.fields(fields)?;
    let memory_limit = health.memory_limit;
    let rows = health
        .functions
        .into_iter()
        .map(|function| row(function, memory_limit));
    let header = [
        "FUNCTION", "CALLS", "FAILED", "HALF", "99 %", "OF LIMIT", "WAITED", "MADE IN", "MEMORY",
        "IN", "LOG LOST",
    ];
    context.out.table(
        &header,
        rows.collect(),
        "It was not called since it was loaded.",
    )
}

fn row(function: FunctionHealthView, memory_limit: u64) -> Vec<Cell> {
    let answered = function
        .outcomes
        .iter()
        .find(|outcome| outcome.outcome == "answered")
        .map_or(0, |outcome| outcome.calls);
    let failed = function.calls - answered.min(function.calls);
    vec![
        cell(function.function),
        number(function.calls),
        if failed > 0 {
            number(failed).tint(Tint::Bad)
        } else {
            number(failed)
        },
        cell(time(function.took.half)),
        cell(time(function.took.most)),
        of_limit(function.took.most, function.time_limit),
        cell(time(function.waited.most)),
        cell(time(function.instantiate.half)),
        cell(format!(
            "{} of {} MiB",
            function.memory.div_ceil(1 << 20),
            memory_limit >> 20
        )),
        cell(bytes(function.bytes_in)),
        cell(bytes(function.log_dropped)),
    ]
}

/// Microseconds for people; the figures are bounds of buckets.
fn time(microseconds: Option<u64>) -> String {
    match microseconds {
        None => "> 2 s".into(),
        Some(short @ ..1_000) => format!("≤ {short} µs"),
        Some(middle @ ..1_000_000) => format!("≤ {} ms", middle / 1_000),
        Some(long) => format!("≤ {} s", long / 1_000_000),
    }
}

/// How near the slowest calls come to their limit.
fn of_limit(most: Option<u64>, limit: u64) -> Cell {
    let Some(most) = most else {
        return cell("> 100 %").tint(Tint::Bad);
    };
    let share = most.saturating_mul(100) / limit.saturating_mul(1_000).max(1);
    let text = cell(if share == 0 {
        "< 1 %".to_owned()
    } else {
        format!("{share} %")
    });
    if share >= 50 {
        text.tint(Tint::Bad)
    } else {
        text
    }
}

/// A number of bytes for people, never less than it is.
fn bytes(count: u64) -> String {
    match count {
        0 => "-".into(),
        1..1_024 => format!("{count} B"),
        1_024..1_048_576 => format!("{} KiB", count.div_ceil(1_024)),
        _ => format!("{} MiB", count.div_ceil(1_048_576)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_told_in_the_unit_that_suits_them() {
        let told = [0, 1, 1_023, 1_024, 1_025, 1_048_576, 1_048_577].map(bytes);
        assert_eq!(
            told,
            ["-", "1 B", "1023 B", "1 KiB", "2 KiB", "1 MiB", "2 MiB"]
        );
    }

    #[test]
    fn times_are_told_in_the_unit_that_suits_them() {
        assert_eq!(time(Some(20)), "≤ 20 µs");
        assert_eq!(time(Some(250_000)), "≤ 250 ms");
        assert_eq!(time(Some(2_000_000)), "≤ 2 s");
        assert_eq!(time(None), "> 2 s");
    }
}
