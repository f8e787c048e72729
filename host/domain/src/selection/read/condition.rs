//! Reads one condition.

use super::Reader;
use crate::application::comparable_version;
use crate::delivery::DeliveryState;
use crate::device::ApplicationState;
use crate::finding::Level;
use crate::id::{ApplicationId, TaskId};
use crate::selection::fault::Fault;
use crate::selection::query::{Age, Condition, Order, Subject, Test};
use crate::selection::token::Token;

/// Values of a list.
const MOST_VALUES: usize = 100;

/// Ten years.
const MOST_MINUTES: u32 = 3660 * 1440;

const CONDITIONS: &str = "Write a condition: all, online, name, group, platform, architecture, agent-version, \
    tag, fact, application, task, last-seen or enrolled.";

const ORDERS: [Order; 4] = [
    Order::Less,
    Order::LessOrEqual,
    Order::Greater,
    Order::GreaterOrEqual,
];

impl<'a> Reader<'a> {
    pub(super) fn condition(&mut self) -> Result<Condition, Fault> {
        let plain = [
            ("name", Subject::Name),
            ("group", Subject::Group),
            ("platform", Subject::Platform),
            ("architecture", Subject::Architecture),
            ("agent-version", Subject::AgentVersion),
            ("tag", Subject::Tag),
        ];
        for (word, subject) in plain {
            if self.took_word(word) {
                return self.compare(subject);
            }
        }
        if self.took_word("all") {
            Ok(Condition::All)
        } else if self.took_word("online") {
            Ok(Condition::Online)
        } else if self.took_word("fact") {
            let (_, name) = self.value("Write the fact's name, such as os.id.")?;
            self.compare(Subject::Fact(name.to_owned()))
        } else if self.took_word("application") {
            self.application()
        } else if self.took_word("task") {
            self.task()
        } else if self.took_word("last-seen") {
            if self.took_word("never") {
                return Ok(Condition::NeverSeen);
            }
            let text = "Write within or older than and a time, such as last-seen within 2 hours; or never.";
            self.age(text).map(Condition::LastSeen)
        } else if self.took_word("enrolled") {
            let text = "Write within or older than and a time, such as enrolled within 30 days.";
            self.age(text).map(Condition::Enrolled)
        } else {
            Err(self.wrong(CONDITIONS))
        }
    }

    fn application(&mut self) -> Result<Condition, Fault> {
        let (token, text) = self.value("Write the application's id, such as net.clamav.clamav.")?;
        let id = match ApplicationId::new(text) {
            Ok(id) => id,
            Err(wrong) => return Err(self.value_fault(token, &format!("Write {}.", wrong.rule))),
        };
        if self.took_word("installed") {
            Ok(Condition::Installed(id))
        } else if self.took_word("state") {
            self.compare(Subject::ApplicationState(id))
        } else if self.took_word("version") {
            self.compare(Subject::ApplicationVersion(id))
        } else {
            Err(self.wrong("Write installed, state or version, such as version < 1.4.2."))
        }
    }

    fn task(&mut self) -> Result<Condition, Fault> {
        let (token, text) =
            self.value("Write the task's number, such as task 7 outcome = failed.")?;
        let id: TaskId = match text.parse::<TaskId>() {
            Ok(id) if id.0 > 0 => id,
            _ => {
                return Err(
                    self.value_fault(token, "A task is named by its number, counted from 1.")
                );
            }
        };
        if self.took_word("outcome") {
            self.compare(Subject::Outcome(id))
        } else {
            Err(self.wrong("Write outcome and a test, such as outcome = failed."))
        }
    }

    fn age(&mut self, expected: &str) -> Result<Age, Fault> {
        let within = self.took_word("within");
        let older = !within && self.took_word("older");
        if !within && !older || older && !self.took_word("than") {
            return Err(self.wrong(expected));
        }
        let (token, text) = self.value(expected)?;
        let number: Option<u32> = text.parse().ok().filter(|number| *number > 0);
        let units = [
            ("minute", 1),
            ("hour", 60),
            ("day", 1440),
            ("week", 7 * 1440),
        ];
        let unit = units
            .into_iter()
            .find(|(unit, _)| self.took_word(unit) || self.took_word(&format!("{unit}s")));
        let Some((_, length)) = unit else {
            return Err(self.wrong("Write minutes, hours, days or weeks behind a whole number."));
        };
        let minutes = number
            .and_then(|number| number.checked_mul(length))
            .filter(|minutes| *minutes <= MOST_MINUTES);
        let Some(minutes) = minutes else {
            return Err(self.value_fault(
                token,
                "Write a whole number, at least 1 and at most 3660 days.",
            ));
        };
        Ok(if within {
            Age::Within { minutes }
        } else {
            Age::OlderThan { minutes }
        })
    }

    fn compare(&mut self, subject: Subject) -> Result<Condition, Fault> {
        let test = self.test(&subject)?;
        Ok(Condition::Compare { subject, test })
    }

    fn test(&mut self, subject: &Subject) -> Result<Test, Fault> {
        let what =
            "Write a value; in quotation marks, if it has spaces, signs, or is and, or, not, in.";
        if self.took_sign("=") {
            return Ok(Test::Equal(self.checked(subject, what)?));
        }
        if self.took_sign("!=") {
            return Ok(Test::NotEqual(self.checked(subject, what)?));
        }
        if self.took_word("in") {
            return self.list(subject).map(Test::In);
        }
        if More::Known.is_for(subject) && self.took_word("known") {
            return Ok(Test::Known);
        }
        if More::Pattern.is_for(subject) && self.took_word("matches") {
            let (token, pattern) = self.value(what)?;
            if !pattern.contains(['*', '?']) {
                let text =
                    "The pattern has neither * nor ?, so it fits itself alone; write = or a *.";
                self.note(token, Level::Warning, "selection-plain-pattern", text);
            }
            return Ok(Test::Matches(pattern.to_owned()));
        }
        if More::Path.is_for(subject) && self.took_word("below") {
            return Ok(Test::Below(self.checked(subject, what)?));
        }
        if More::Order.is_for(subject) {
            for order in ORDERS {
                if self.took_sign(order.sign()) {
                    let (token, version) = self.value(what)?;
                    if comparable_version(version).is_none() {
                        let text = "This has no number in front, so nothing is less or greater; write a version, such as 1.4.2.";
                        self.note(token, Level::Error, "selection-value", text);
                    }
                    return Ok(Test::Ordered(order, version.to_owned()));
                }
            }
        }
        Err(self.wrong(&tests_of(subject)))
    }

    fn list(&mut self, subject: &Subject) -> Result<Vec<String>, Fault> {
        let expected = "Write a list in parentheses, such as in (debian, ubuntu).";
        if !self.took_sign("(") {
            return Err(self.wrong(expected));
        }
        let mut values = Vec::new();
        loop {
            if values.len() == MOST_VALUES {
                let text =
                    format!("A list has at most {MOST_VALUES} values; write another condition.");
                return Err(self.limit(&text));
            }
            values.push(self.checked(subject, expected)?);
            if self.took_sign(")") {
                return Ok(values);
            }
            if !self.took_sign(",") {
                return Err(self.wrong("Write a comma and another value, or close the list."));
            }
        }
    }

    fn value(&mut self, expected: &str) -> Result<(&'a Token, &'a str), Fault> {
        match self.peek().and_then(|token| Some((token, token.value()?))) {
            Some(found) => {
                self.next += 1;
                Ok(found)
            }
            None => Err(self.wrong(expected)),
        }
    }

    /// A value that the subject can have. What it cannot have is noted.
    fn checked(&mut self, subject: &Subject, expected: &str) -> Result<String, Fault> {
        let (token, value) = self.value(expected)?;
        if let Some(text) = impossible(subject, value) {
            self.note(token, Level::Error, "selection-value", &text);
        }
        Ok(value.to_owned())
    }

    fn value_fault(&self, token: &Token, text: &str) -> Fault {
        Fault {
            at: token.at,
            near: token.shown(),
            ..self.here("selection-value", text)
        }
    }
}

/// Why no device has such a value, if none can.
fn impossible(subject: &Subject, value: &str) -> Option<String> {
    let one_of = |words: Vec<String>| {
        let known = words.iter().any(|word| word == value);
        (!known).then(|| format!("Write one of {}.", words.join(", ")))
    };
    match subject {
        Subject::ApplicationState(_) => one_of(
            ApplicationState::ALL
                .map(|state| state.as_str().to_owned())
                .into(),
        ),
        Subject::Outcome(_) => one_of(DeliveryState::ALL.map(|state| state.to_string()).into()),
        Subject::Group => {
            let text = "A group is named by its path: /, or names with a slash before each, such as /Servers/Berlin.";
            let named = value.strip_prefix('/').is_some_and(|path| {
                path.is_empty() || path.split('/').all(|name| !name.is_empty())
            });
            (!named).then(|| text.to_owned())
        }
        _ => None,
    }
}

/// A test beyond `=`, `!=` and `in`, which every subject has.
#[derive(Clone, Copy)]
enum More {
    Order,
    Pattern,
    Path,
    Known,
}

impl More {
    const ALL: [Self; 4] = [Self::Order, Self::Pattern, Self::Path, Self::Known];

    fn words(self) -> &'static str {
        match self {
            Self::Order => ", <, <=, >, >=",
            Self::Pattern => ", matches",
            Self::Path => ", below",
            Self::Known => ", known",
        }
    }

    /// Whether a subject has it.
    fn is_for(self, subject: &Subject) -> bool {
        use Subject::{
            AgentVersion, ApplicationState, ApplicationVersion, Fact, Group, Outcome, Tag,
        };
        match self {
            Self::Order => matches!(subject, AgentVersion | Fact(_) | ApplicationVersion(_)),
            Self::Pattern => !matches!(subject, ApplicationState(_) | Outcome(_)),
            Self::Path => *subject == Group,
            Self::Known => matches!(subject, Fact(_) | Tag | ApplicationVersion(_) | Outcome(_)),
        }
    }
}

fn tests_of(subject: &Subject) -> String {
    let more = More::ALL.into_iter().filter(|more| more.is_for(subject));
    let words: String = more.map(More::words).collect();
    format!("Write a test here, one of =, !=, in{words}.")
}
