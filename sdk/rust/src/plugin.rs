//! A plug-in: an application, and its task types.

use crate::{
    AnyTask, Command, Description, Failure, Outcome, Profile, Refusal, Report, Verdict, describe,
};

/// Who a plug-in is.
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
/// its own may write them anew.
pub trait Plugin {
    /// Who it is.
    const ABOUT: About;
    /// Its application's task types.
    const TASKS: &'static [&'static dyn AnyTask];

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
