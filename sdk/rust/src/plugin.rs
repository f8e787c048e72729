//! A plug-in: an application, and its task types.

use crate::{
    AnyTask, Command, Description, Failure, Limit, Outcome, Profile, Refusal, Report, Verdict,
    describe,
};

/// Something of the server's that a plug-in may ask for, in [`Plugin::CAPABILITIES`].
///
/// ```
/// assert_eq!(muster_sdk::Capability::Clock.name(), "clock");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capability {
    /// A folder of the application's own: [`files`](crate::files).
    Files,
    /// The time of day: [`clock`](crate::clock).
    Clock,
    /// Random bytes: [`random`](crate::random).
    Random,
}

impl Capability {
    /// Its name in the contract.
    ///
    /// ```
    /// assert_eq!(muster_sdk::Capability::Files.name(), "files");
    /// ```
    pub fn name(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Clock => "clock",
            Self::Random => "random",
        }
    }
}

/// Who a plug-in is.
///
/// ```
/// use muster_sdk::About;
///
/// const ABOUT: About = About {
///     application: "org.example.scanner",
///     name: "Scanner",
///     vendor: "Example",
///     version: env!("CARGO_PKG_VERSION"),
///     manages: ">=1.2, <3",
/// };
/// assert!(ABOUT.application.starts_with("org."));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct About {
    /// Reverse domain name of the application; it names the application for good.
    pub application: &'static str,
    /// The application's name for people.
    pub name: &'static str,
    /// Who makes it.
    pub vendor: &'static str,
    /// The plug-in's own version, by Semantic Versioning 2.
    pub version: &'static str,
    /// The application's versions that it manages, such as `>=1.0, <2`.
    pub manages: &'static str,
}

/// A management plug-in. The provided functions are those of the contract; a plug-in with wishes of
/// its own may write them anew. The [crate's page](crate) has one that is whole.
///
/// ```
/// use muster_sdk::{About, AnyTask, Failure, Limit, Plugin, Refusal, Profile};
///
/// struct Scanner;
///
/// impl Plugin for Scanner {
///     const ABOUT: About = About {
///         application: "org.example.scanner",
///         name: "Scanner",
///         vendor: "Example",
///         version: "1.0.0",
///         manages: "*",
///     };
///     const TASKS: &'static [&'static dyn AnyTask] = &[];
///     const LIMITS: &'static [(Limit, u32, &'static str)] =
///         &[(Limit::Memory, 128, "Its table of products is large.")];
/// }
///
/// // What a server does with it:
/// assert_eq!(Scanner::describe().limits[0].value, 128);
/// assert!(matches!(Scanner::validate("scan", "{}"), Err(Failure::UnknownTaskType)));
/// let answers = Scanner::translate("scan", "{}", &[Profile::of("linux")]);
/// assert_eq!(answers, [Err(Refusal::UnknownTaskType)]);
/// ```
pub trait Plugin {
    /// Who it is.
    const ABOUT: About;
    /// Its application's task types.
    const TASKS: &'static [&'static dyn AnyTask];
    /// The capabilities that it asks for, each with a reason that an administrator reads. They must
    /// be all that it uses, or it is refused; and it must get along without, as each can be denied.
    const CAPABILITIES: &'static [(Capability, &'static str)] = &[];
    /// The limits that it asks to have raised: MiB of memory or milliseconds, and a reason.
    const LIMITS: &'static [(Limit, u32, &'static str)] = &[];

    /// Everything that the server has to know beforehand.
    fn describe() -> Description
    where
        Self: Sized,
    {
        describe::description::<Self>()
    }

    /// The meaning of settings.
    fn validate(task_type: &str, settings: &str) -> Result<Verdict, Failure> {
        let task = Self::task(task_type).ok_or(Failure::UnknownTaskType)?;
        Ok(task.validate(settings))
    }

    /// A task in the terms of each profile.
    fn translate(
        task_type: &str,
        settings: &str,
        profiles: &[Profile],
    ) -> Vec<Result<Command, Refusal>> {
        match Self::task(task_type) {
            Some(task) => task.translate(settings, profiles),
            None => profiles
                .iter()
                .map(|_| Err(Refusal::UnknownTaskType))
                .collect(),
        }
    }

    /// What each report means.
    fn interpret(task_type: &str, settings: &str, reports: &[Report]) -> Vec<Outcome> {
        if let Some(task) = Self::task(task_type) {
            return task.interpret(settings, reports);
        }
        let unknown = format!("The plug-in knows no task type {task_type:?}.");
        reports.iter().map(|_| Outcome::failed(&unknown)).collect()
    }

    /// Settings of an older schema version, brought up to date.
    fn migrate(task_type: &str, from_version: u32, settings: &str) -> Result<String, Failure> {
        let task = Self::task(task_type).ok_or(Failure::UnknownTaskType)?;
        task.migrate(from_version, settings)
    }

    /// The task type of this id.
    fn task(id: &str) -> Option<&'static dyn AnyTask> {
        Self::TASKS.iter().copied().find(|task| task.id() == id)
    }
}
