//! The event log, as administrators read it.

use crate::{Administrator, App, AppError};
use muster_domain::event::{Event, NewEvent};
pub use muster_storage::event::EventFilter;
use muster_storage::event::{event_insert, event_list};

impl App {
    /// At most `limit` events: oldest first when the filter says `after`, newest first otherwise.
    pub async fn event_list(
        &self,
        _who: &Administrator,
        filter: &EventFilter,
        limit: u32,
    ) -> Result<Vec<Event>, AppError> {
        Ok(event_list(&mut *self.0.storage.read().await?, filter, limit).await?)
    }

    /// Writes an event that stands beside no row, such as a refusal.
    pub(crate) async fn event_write(&self, event: NewEvent) -> Result<(), AppError> {
        self.0
            .storage
            .write::<_, AppError, _>(move |connection| {
                Box::pin(async move {
                    Ok(event_insert(connection, muster_clock::now(), &[event]).await?)
                })
            })
            .await?;
        self.0.watch.log_grew();
        Ok(())
    }
}
