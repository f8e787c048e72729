//! What a query says. Its `Display` is a text that reads back as the same query.

use super::token::is_bare;
use crate::id::{ApplicationId, TaskId};
use jiff::SignedDuration;
use std::fmt;

/// Which devices are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Query {
    /// Those for which all of these hold: two or more.
    And(Vec<Self>),
    /// Those for which one of these holds: two or more.
    Or(Vec<Self>),
    /// Those for which this does not hold.
    Not(Box<Self>),
    /// Those for which a condition holds.
    Is(Condition),
}

/// A condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// Holds for every device.
    All,
    /// Its link is open.
    Online,
    /// It never had a link since it was enrolled.
    NeverSeen,
    /// Its link was last open so long ago. A device that was never seen counts from its enrollment.
    LastSeen(Age),
    /// It was enrolled so long ago.
    Enrolled(Age),
    /// The application is installed, whether it runs or not.
    Installed(ApplicationId),
    /// What is known of it passes a test.
    Compare {
        /// What.
        subject: Subject,
        /// The test.
        test: Test,
    },
}

/// How long ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// So many minutes ago or less.
    Within {
        /// The minutes.
        minutes: u32,
    },
    /// More.
    OlderThan {
        /// The minutes.
        minutes: u32,
    },
}

impl Age {
    /// Whether something so old is meant.
    pub fn holds(self, age: SignedDuration) -> bool {
        let limit = |minutes| SignedDuration::from_mins(i64::from(minutes));
        match self {
            Self::Within { minutes } => age <= limit(minutes),
            Self::OlderThan { minutes } => age > limit(minutes),
        }
    }
}

/// What is known of a device: a text, none, or, of tags, many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// Its name.
    Name,
    /// The path of its group.
    Group,
    /// Its platform.
    Platform,
    /// Its architecture.
    Architecture,
    /// The version of its agent.
    AgentVersion,
    /// Its tags.
    Tag,
    /// A fact that its agent tells, by name.
    Fact(String),
    /// How an application stands on it.
    ApplicationState(ApplicationId),
    /// The version of an application on it.
    ApplicationVersion(ApplicationId),
    /// How a task last ended on it, or stands.
    Outcome(TaskId),
}

/// A test of a text. It holds if it holds for one of many, and does not if there is none; but that
/// `NotEqual` is the opposite of `Equal` in any case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// There is one.
    Known,
    /// It is this.
    Equal(String),
    /// It is not this.
    NotEqual(String),
    /// It is one of these.
    In(Vec<String>),
    /// It fits a pattern with `*` for any characters and `?` for one.
    Matches(String),
    /// It is this path, or one below it.
    Below(String),
    /// Its first three numbers, as a version's, compare like this.
    Ordered(Order, String),
}

/// How two versions compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Order {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Order {
    /// As it is written.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }

    /// Whether it holds for two that compare like that.
    pub fn holds(self, compared: std::cmp::Ordering) -> bool {
        match self {
            Self::Less => compared.is_lt(),
            Self::LessOrEqual => compared.is_le(),
            Self::Greater => compared.is_gt(),
            Self::GreaterOrEqual => compared.is_ge(),
        }
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joined =
            |f: &mut fmt::Formatter<'_>, parts: &[Self], word: &str, bare: fn(&Self) -> bool| {
                for (place, part) in parts.iter().enumerate() {
                    if place > 0 {
                        write!(f, " {word} ")?;
                    }
                    nested(f, part, bare(part))?;
                }
                Ok(())
            };
        match self {
            Self::And(parts) => joined(f, parts, "and", |part| {
                matches!(part, Self::Is(_) | Self::Not(_))
            }),
            Self::Or(parts) => joined(f, parts, "or", |part| !matches!(part, Self::Or(_))),
            Self::Not(inner) => {
                f.write_str("not ")?;
                nested(f, inner, matches!(**inner, Self::Is(_) | Self::Not(_)))
            }
            Self::Is(condition) => condition.fmt(f),
        }
    }
}

fn nested(f: &mut fmt::Formatter<'_>, query: &Query, bare: bool) -> fmt::Result {
    if bare {
        write!(f, "{query}")
    } else {
        write!(f, "({query})")
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Online => f.write_str("online"),
            Self::NeverSeen => f.write_str("last-seen never"),
            Self::LastSeen(age) => write!(f, "last-seen {age}"),
            Self::Enrolled(age) => write!(f, "enrolled {age}"),
            Self::Installed(application) => write!(f, "application {application} installed"),
            Self::Compare { subject, test } => write!(f, "{subject} {test}"),
        }
    }
}

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (words, minutes) = match self {
            Self::Within { minutes } => ("within", minutes),
            Self::OlderThan { minutes } => ("older than", minutes),
        };
        let units = [(1440, "day"), (60, "hour"), (1, "minute")];
        let whole = |(length, _): &(u32, &str)| minutes.is_multiple_of(*length);
        let (length, unit) = units.into_iter().find(whole).unwrap_or((1, "minute"));
        let count = minutes.checked_div(length).unwrap_or(*minutes);
        write!(f, "{words} {}", crate::text::counted(count.into(), unit))
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name => f.write_str("name"),
            Self::Group => f.write_str("group"),
            Self::Platform => f.write_str("platform"),
            Self::Architecture => f.write_str("architecture"),
            Self::AgentVersion => f.write_str("agent-version"),
            Self::Tag => f.write_str("tag"),
            Self::Fact(name) => write!(f, "fact {}", Value(name)),
            Self::ApplicationState(id) => write!(f, "application {id} state"),
            Self::ApplicationVersion(id) => write!(f, "application {id} version"),
            Self::Outcome(task) => write!(f, "task {task} outcome"),
        }
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known => f.write_str("known"),
            Self::Equal(value) => write!(f, "= {}", Value(value)),
            Self::NotEqual(value) => write!(f, "!= {}", Value(value)),
            Self::In(values) => {
                f.write_str("in (")?;
                for (place, value) in values.iter().enumerate() {
                    let comma = if place > 0 { ", " } else { "" };
                    write!(f, "{comma}{}", Value(value))?;
                }
                f.write_str(")")
            }
            Self::Matches(pattern) => write!(f, "matches {}", Value(pattern)),
            Self::Below(path) => write!(f, "below {}", Value(path)),
            Self::Ordered(order, value) => write!(f, "{} {}", order.sign(), Value(value)),
        }
    }
}

/// A value as it is written: bare where that reads back, else in quotation marks.
struct Value<'a>(&'a str);

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_bare(self.0) {
            return f.write_str(self.0);
        }
        let quoted = self.0.replace('\\', "\\\\").replace('"', "\\\"");
        write!(f, "\"{quoted}\"")
    }
}
