//! What devices' users do with tasks: what their groups allow, and what becomes of what they ask for.
//!
//! A user asks on the device, also while the server is away; the question comes with the device's news and
//! is a row before the news are acknowledged. [`take`] is a loop over those rows: it asks the
//! plug-in, merges with what administrators did meanwhile ([`change`]), and writes task, record and event in
//! one transaction. Then the device is told what became of it ([`answer`]), as often as it takes.

mod answer;
mod change;
mod create;
mod delete;
mod edit;
mod keep;
mod policy;
mod rights;
mod take;

pub(crate) use keep::keep;
pub(crate) use policy::{Policies, is_own};
pub(crate) use rights::assign as assign_rights;
pub(crate) use take::work;

use crate::{Administrator, App, AppError};
use muster_domain::TaskId;
use muster_storage::user::{UserEditRow, user_edit_list_of};

impl App {
    /// What devices' users asked for of a task, newest first; also of one that was deleted.
    pub async fn user_edit_list(
        &self,
        _who: &Administrator,
        task: TaskId,
    ) -> Result<Vec<UserEditRow>, AppError> {
        Ok(user_edit_list_of(&mut *self.0.storage.read().await?, task).await?)
    }
}
