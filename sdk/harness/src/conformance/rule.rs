//! The rules, each with its id, which stays, and its reason.

/// What a server relies on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Its id, which never changes its meaning.
    pub id: &'static str,
    /// What it is about.
    pub group: Group,
    /// What must hold.
    pub title: &'static str,
    /// Why, in one line.
    pub reason: &'static str,
    /// Whether a plug-in that breaks it fails.
    pub weight: Weight,
}

/// What a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(
    missing_docs,
    reason = "the functions of the contract, and what stands before them"
)]
pub enum Group {
    Describe,
    Schema,
    Validate,
    Translate,
    Interpret,
    Migrate,
    Limits,
}

impl Group {
    /// Its name, as in the documentation.
    pub fn name(self) -> &'static str {
        match self {
            Self::Describe => "describe",
            Self::Schema => "schema",
            Self::Validate => "validate",
            Self::Translate => "translate",
            Self::Interpret => "interpret",
            Self::Migrate => "migrate",
            Self::Limits => "limits",
        }
    }
}

/// How much a rule weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// A plug-in that breaks it fails.
    Required,
    /// A server gets along without; its author is told all the same.
    Advice,
}

impl Rule {
    /// Where it is explained: a path in the documentation.
    pub fn documentation(&self) -> String {
        format!("docs/plugins/rules.md#{}", self.id)
    }
}

const fn rule(group: Group, id: &'static str, title: &'static str, reason: &'static str) -> Rule {
    Rule {
        id,
        group,
        title,
        reason,
        weight: Weight::Required,
    }
}

const fn advice(group: Group, id: &'static str, title: &'static str, reason: &'static str) -> Rule {
    Rule {
        id,
        group,
        title,
        reason,
        weight: Weight::Advice,
    }
}

macro_rules! rules {
    ($($name:ident = $make:ident($group:ident, $id:literal, $title:literal, $reason:literal);)*) => {
        $(pub(super) const $name: Rule = $make(Group::$group, $id, $title, $reason);)*
        /// All rules, in the order in which they are tried.
        pub const RULES: &[Rule] = &[$($name),*];
    };
}

rules! {
    COMPONENT_LOADS = rule(Describe, "component-loads",
        "The file is a component for the contract, within the bounds of what a server takes",
        "A server refuses any other file when it is installed.");
    CAPABILITY_ASKED = rule(Describe, "capability-asked",
        "Every capability that is imported is asked for in the description",
        "An administrator has to be asked for what a plug-in uses.");
    DESCRIBE_ANSWERS = rule(Describe, "describe-answers",
        "`describe` answers, within the limits and without any grant",
        "It is the first thing that a server asks, before an administrator has granted anything.");
    DESCRIBE_COMPLETE = rule(Describe, "describe-complete",
        "The description is complete, within bounds and in words that can be shown",
        "Lists, questions and logs show it as it is; a server refuses one that is not.");
    EXAMPLES_VALID = rule(Describe, "examples-valid",
        "Every task type has an example, and each is valid by the schema and by `validate`",
        "The gate, the probe of a plug-in in quarantine and the settings form all begin with them.");
    SCHEMA_VALID = rule(Schema, "schema-valid",
        "Every schema is a JSON Schema 2020-12 within bounds",
        "A server compiles it and checks every task's settings and every event by it.");
    DEFAULTS_VALID = rule(Schema, "defaults-valid",
        "Defaults and examples in a schema are valid by their own schema",
        "The settings form starts with them: an administrator who changes nothing would get an error.");
    SECRET_BY_NAME = rule(Schema, "secret-by-name",
        "A secret is a setting that names it, never one that holds it",
        "Settings are stored, shown, exported and logged; secrets are kept in the vault, and settings name them.");
    SETTINGS_TITLED = rule(Schema, "settings-titled",
        "Every setting has a title or a description",
        "The form shows it; a bare key tells an administrator nothing.");
    VALIDATE_TOTAL = rule(Validate, "validate-total",
        "`validate` answers for all settings that the schema lets through",
        "A task that nobody can check can be neither created nor refused with a reason.");
    VALIDATE_ANSWER = rule(Validate, "validate-answer",
        "What `validate` answers can be shown: pointers, stable codes, sentences, within bounds",
        "A server takes no answer that breaks the contract, and the administrator sees a fault of the plug-in.");
    VALIDATE_STEADY = rule(Validate, "validate-steady",
        "`validate` gives the same verdict each time",
        "A task that was accepted must still be when it is looked at again: by the plan of an upgrade, or after a restart.");
    VALIDATE_POINTERS = rule(Validate, "validate-pointers",
        "Findings point to settings that are there, or that the schema has a place for",
        "The form marks the field; a pointer that leads nowhere marks nothing.");
    VALIDATE_ANYTHING = advice(Validate, "validate-anything",
        "`validate` does not trap on what the schema would have refused",
        "A server never asks so, but a schema that is loosened one day must not make a trap of it.");
    TRANSLATE_TOTAL = rule(Translate, "translate-total",
        "`translate` answers for all valid settings on all devices",
        "One call is about many devices; when it fails, none of them gets its command.");
    TRANSLATE_ANSWER = rule(Translate, "translate-answer",
        "What `translate` answers can be carried out: one answer for each profile, each within bounds",
        "A server sends no command that breaks the contract, and the task fails on every device.");
    TRANSLATE_EXAMPLE = rule(Translate, "translate-example",
        "Every example has a command on some platform",
        "A task type that no device can do is none.");
    TRANSLATE_ORDER = rule(Translate, "translate-order",
        "Answers come in the order of the profiles",
        "They are told apart by their place alone: a device would get another one's command.");
    TRANSLATE_ALONE = rule(Translate, "translate-alone",
        "A profile gets the same answer alone and among others",
        "Which devices are asked about together is chance.");
    TRANSLATE_DEVICES = rule(Translate, "translate-devices",
        "The answer does not depend on how many devices there are",
        "The number changes with every enrolment; commands are kept by profile.");
    TRANSLATE_FACTS = rule(Translate, "translate-facts",
        "The answer does not depend on facts that the task type does not name",
        "A server hands over just those that are named, so any other is never there.");
    INTERPRET_TOTAL = rule(Interpret, "interpret-total",
        "`interpret` answers for all reports",
        "A report is as a device sends it, and one call is about many devices.");
    INTERPRET_ANSWER = rule(Interpret, "interpret-answer",
        "Outcomes are within bounds: one for each report, each with a sentence",
        "A server takes no outcome that breaks the contract, and goes by the exit statuses instead.");
    INTERPRET_EVENTS = rule(Interpret, "interpret-events",
        "Events are of declared types and follow their schemas",
        "Whoever reads events relies on their fields; a server takes none that differ.");
    INTERPRET_ORDER = rule(Interpret, "interpret-order",
        "Outcomes come in the order of the reports",
        "They are told apart by their place alone: a device would get another one's outcome.");
    INTERPRET_ALONE = rule(Interpret, "interpret-alone",
        "A report has the same outcome alone and among others",
        "Which reports come in together is chance.");
    MIGRATE_THERE = rule(Migrate, "migrate-there",
        "A plug-in with a schema version beyond 1 has `migrate`",
        "It could not replace its predecessor: the tasks that there are would have no valid settings.");
    MIGRATE_TOTAL = rule(Migrate, "migrate-total",
        "`migrate` answers for settings of every earlier version",
        "An upgrade asks it about every task that there is; where it fails, the upgrade does.");
    MIGRATE_ANSWER = rule(Migrate, "migrate-answer",
        "What `migrate` makes is valid by the schema of today",
        "It is stored in place of the old settings, and every later call gets it.");
    MIGRATE_STEADY = rule(Migrate, "migrate-steady",
        "`migrate` makes the same of the same settings each time",
        "A plan shows an administrator what an upgrade will do, and then it is made once more.");
    CAPABILITY_DENIED = rule(Limits, "capability-denied",
        "Without the capabilities that it asks for it still answers for its examples",
        "An administrator may deny them, and may withdraw them at any time.");
    MEMORY_HEADROOM = rule(Limits, "memory-headroom",
        "No call takes more than three quarters of the memory that it may have",
        "Tomorrow's settings and reports are larger than today's.");
    TIME_HEADROOM = rule(Limits, "time-headroom",
        "Calls about the examples take no more than half of the time that they may take",
        "A server is slower than the author's machine, and has other work.");
    LOG_MODEST = rule(Limits, "log-modest",
        "No call logs more than is kept",
        "What is beyond is dropped, and it is the last lines that tell why something failed.");
}

#[cfg(test)]
mod tests {
    use super::RULES;

    #[test]
    fn ids_are_unique_and_can_be_linked_to() {
        let mut ids: Vec<&str> = RULES.iter().map(|rule| rule.id).collect();
        for rule in RULES {
            assert!(muster_domain::id::is_kebab(rule.id), "{}", rule.id);
            assert!(
                rule.reason.ends_with('.') && !rule.title.ends_with('.'),
                "{}",
                rule.id
            );
        }
        ids.sort_unstable();
        let count = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), count);
    }
}
