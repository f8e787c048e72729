//! What a device does.

use crate::exports::muster::plugin::translate::{
    Command, Guest, KeptOutput, Meaning, Profile, Refusal, StatusMeaning, Step, Value,
};
use crate::has;
use crate::settings::{names, read};

impl Guest for crate::Guest {
    fn translate(
        _: String,
        settings: String,
        profiles: Vec<Profile>,
    ) -> Vec<Result<Command, Refusal>> {
        let mut answers: Vec<_> = profiles
            .iter()
            .map(|profile| answer(&settings, profile))
            .collect();
        if has("sorts-its-answers") {
            answers.sort_by_key(|answer| format!("{answer:?}"));
        }
        if has("looks-at-its-neighbours") && profiles.len() > 2 {
            for command in answers.iter_mut().flatten() {
                command.steps[0].arguments.push(literal("--many"));
            }
        }
        answers
    }
}

fn answer(settings: &str, profile: &Profile) -> Result<Command, Refusal> {
    let Some(settings) = read(settings) else {
        return Err(Refusal::Internal("these are no settings".into()));
    };
    if profile.platform == "windows" || has("for-no-platform") {
        return Err(Refusal::Unsupported(
            "There is no such thing on Windows.".into(),
        ));
    }
    let path = settings["path"].as_str().unwrap_or_default();
    let mut arguments = vec![literal(&format!("--path={path}"))];
    let plain = |text: &str| text.replace('\0', "");
    arguments.extend(names(&settings).map(|name| literal(&plain(name))));
    match &profile.application_version {
        Some(version) => arguments.push(literal(&format!("--as={version}"))),
        None if has("needs-a-version") => {
            std::hint::black_box(profile.application_version.as_ref().unwrap());
        }
        None => {}
    }
    let fact = |name: &str| {
        let mut facts = profile.facts.iter();
        facts.find_map(|(known, value)| (known == name).then(|| value.clone()).flatten())
    };
    if let Some(os) = fact("os.id") {
        arguments.push(literal(&plain(&os)));
    }
    if has("reads-an-unnamed-fact")
        && let Some(name) = fact("host.name")
    {
        arguments.push(literal(&name));
    }
    if has("counts-devices") && profile.devices > 100 {
        arguments.push(literal("--slowly"));
    }
    let step = Step {
        program: "act".into(),
        arguments,
        environment: vec![],
        standard_input: None,
        time_limit: None,
        statuses: vec![StatusMeaning {
            first: 0,
            last: 1,
            meaning: Meaning::Succeeded,
        }],
        progress: None,
        keep: KeptOutput {
            head: 1000,
            tail: 1000,
            lines: Some("^.+ FOUND$".into()),
            most_lines: 100,
        },
        more: vec![],
    };
    Ok(Command {
        steps: vec![step],
        more: vec![],
    })
}

fn literal(text: &str) -> Value {
    Value::Literal(text.into())
}
