//! A call that a server exported, made again.

use super::super::engine::Guest;
use super::call::{self, Call, Question};
use crate::failure::Failure;
use crate::input::Source;
use crate::output::Output;
use muster_api::plugin::call::PluginCallView;

pub(super) fn read(file: &Source) -> Result<PluginCallView, Failure> {
    let value = file.json()?;
    let format = value.get("format").and_then(serde_json::Value::as_u64);
    if format != Some(u64::from(PluginCallView::FORMAT)) {
        return Err(Failure::Usage(format!(
            "{file} is no call that this version reads; `muster delivery export-call` writes one"
        )));
    }
    serde_json::from_value(value)
        .map_err(|error| Failure::Usage(format!("{file} is no call of a plug-in: {error}")))
}

pub(super) fn call(view: PluginCallView, guest: &Guest, out: &Output) -> Result<Call, Failure> {
    let digest = guest.digest().to_string();
    if digest != view.digest {
        out.note(&format!(
            "The call was made to another build, {}; this one is {digest}.",
            view.digest
        ));
    }
    if !view.pure {
        out.note("This plug-in may use more than what it is asked, so it need not answer alike.");
    }
    for place in &view.removed {
        out.note(&format!(
            "What stood at {place} was taken out before; the answer may depend on it."
        ));
    }
    let question = match (view.function.as_str(), view.profiles, view.reports) {
        ("validate", _, _) => Question::Validate,
        ("migrate", _, _) => Question::Migrate(view.schema_version),
        ("translate", profiles, _) => {
            let first = profiles.into_iter().next().unwrap_or_default();
            Question::Translate(call::profile(first)?)
        }
        ("interpret", _, reports) => {
            let first = reports.into_iter().next().unwrap_or_default();
            Question::Interpret(call::report(first, "what was exported")?)
        }
        (other, _, _) => {
            let text = format!("it is a call of {other:?}, which no plug-in has");
            return Err(Failure::Usage(text));
        }
    };
    Ok(Call::new(view.task_type, view.settings, question))
}
