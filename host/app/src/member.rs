//! Members: who is in the selections that something is for, and since when.
//!
//! A loop without input, like [`crate::deliver`]. It asks each such selection of the devices that changed, and
//! of all of them from time to time, and keeps the answers; scopes, windows and schedules go by what is kept.
//! Runs that follow their scopes are brought in step here too.

mod step;

use crate::hint::{Due, Hinted};
use crate::place::{SetReference, set_find};
use crate::selection::{Look, Pages, read};
use crate::{App, AppError};
use jiff::Timestamp;
use muster_domain::event::{Actor, NewEvent, Severity, Subject};
use muster_domain::text::counted;
use muster_domain::{DeviceId, DeviceSet, SelectionId, chain};
use muster_storage::Connection;
use muster_storage::device::device_names;
use muster_storage::event::event_insert;
use muster_storage::member::{
    member_delete, member_forget_unused, member_insert, member_set, selection_follow,
    selection_followed_since, selection_list_used,
};
use muster_storage::selection::{SelectionRow, selection_get};
use roaring::RoaringBitmap;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// All devices are asked so often: what is in a selection can change by time alone, and a hint may be lost.
const SWEEP: Duration = Duration::from_mins(5);

/// After a failure, everything is looked at again so soon.
const RETRY: Duration = Duration::from_secs(2);

/// Devices that an event names; the others are counted.
const MOST_NAMED: usize = 10;

/// The kind of the event that tells who came into a selection and who left it.
pub(crate) const CHANGED: &str = "selection.members-changed";

/// Looks until the server stops.
pub(crate) async fn work(app: App, mut hinted: Hinted) {
    let stopping = app.0.stopping.clone();
    let mut sweep = interval(SWEEP);
    sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut due = Due::default();
    loop {
        tokio::select! {
            () = stopping.cancelled() => break,
            _ = sweep.tick() => due.all = true,
            more = hinted.next() => due.add(more),
        }
        match look(&app, &due).await {
            Ok(()) => due = Due::default(),
            Err(error) => {
                tracing::error!(error = %chain(&error), "selections are held up; trying again");
                due.all = true;
                sweep.reset_after(RETRY);
            }
        }
    }
}

async fn look(app: &App, due: &Due) -> Result<(), AppError> {
    let used = selection_list_used(&mut *app.0.storage.read().await?).await?;
    if used.is_empty() && !due.all {
        // Each device that comes brings a look; where nothing is for a selection, none of them writes.
        return step::keep_in_step(app).await;
    }
    let seen = app
        .members_seen(used, (!due.all).then_some(&due.devices))
        .await?;
    let all = due.all;
    let changed = app
        .logged(move |connection| {
            Box::pin(async move {
                if all {
                    member_forget_unused(connection).await?;
                }
                seen.keep(connection).await
            })
        })
        .await?;
    if !changed.is_empty() {
        app.0.hints.members_changed(&changed);
    }
    step::keep_in_step(app).await
}

/// Who is in selections, as it was just looked at.
pub(crate) struct Seen {
    selections: Vec<(SelectionRow, RoaringBitmap)>,
    /// Of these devices alone; of all, if none.
    of: Option<RoaringBitmap>,
}

impl App {
    /// Looks who is in a selection; of none, nobody.
    pub(crate) async fn members_of(
        &self,
        selection: Option<SelectionId>,
    ) -> Result<Seen, AppError> {
        let row = match selection {
            Some(id) => {
                let row = selection_get(&mut *self.0.storage.read().await?, id).await?;
                Some(row.ok_or_else(|| AppError::not_found("selection", &id))?)
            }
            None => None,
        };
        self.members_seen(row.into_iter().collect(), None).await
    }

    /// The same by a reference; of a group, nobody.
    pub(crate) async fn members_of_reference(
        &self,
        set: Option<&SetReference>,
    ) -> Result<Seen, AppError> {
        let set = match set {
            Some(set) => Some(set_find(&mut *self.0.storage.read().await?, set).await?),
            None => None,
        };
        let selection = match set {
            Some(DeviceSet::Selection(selection)) => Some(selection),
            Some(DeviceSet::Group(_)) | None => None,
        };
        self.members_of(selection).await
    }

    /// Looks who is in the selections that something was made for just now, and keeps it.
    pub(crate) async fn members_begin(&self) -> Result<(), AppError> {
        let mut new = Vec::new();
        {
            let mut connection = self.0.storage.read().await?;
            for row in selection_list_used(&mut connection).await? {
                if selection_followed_since(&mut connection, row.id)
                    .await?
                    .is_none()
                {
                    new.push(row);
                }
            }
        }
        if new.is_empty() {
            return Ok(());
        }
        let seen = self.members_seen(new, None).await?;
        let changed = self
            .logged(move |connection| Box::pin(async move { seen.keep(connection).await }))
            .await?;
        self.0.hints.members_changed(&changed);
        Ok(())
    }

    /// Looks who is in selections, among some devices or all.
    async fn members_seen(
        &self,
        selections: Vec<SelectionRow>,
        of: Option<&RoaringBitmap>,
    ) -> Result<Seen, AppError> {
        let mut queries = Vec::with_capacity(selections.len());
        for row in &selections {
            let (_, query, _) = read(&serde_json::json!(row.selection))?;
            queries.push((query, RoaringBitmap::new()));
        }
        if !queries.is_empty() {
            let mut connection = self.0.storage.read().await?;
            let asked = queries.iter().map(|(query, _)| query);
            let look = Look::begin(&mut connection, self.0.links.devices(), asked).await?;
            let mut pages = Pages::of(of);
            while let Some(page) = pages.next(&mut connection).await? {
                for device in &page {
                    for (query, found) in &mut queries {
                        if look.means(query, device) {
                            found.insert(device.id.0);
                        }
                    }
                }
            }
        }
        let found = queries.into_iter().map(|(_, found)| found);
        Ok(Seen {
            selections: selections.into_iter().zip(found).collect(),
            of: of.cloned(),
        })
    }
}

impl Seen {
    /// The devices of the one selection that was looked at.
    pub(crate) fn devices(&self) -> RoaringBitmap {
        let all = self.selections.iter().map(|(_, found)| found);
        all.fold(RoaringBitmap::new(), |all, found| all | found)
    }

    /// Keeps what was seen. Who came and who left, of all selections, is given back.
    pub(crate) async fn keep(self, connection: &mut Connection) -> Result<RoaringBitmap, AppError> {
        let mut changed = RoaringBitmap::new();
        let now = muster_clock::now();
        for (row, found) in self.selections {
            let current = selection_get(connection, row.id).await?;
            if current.as_ref() != Some(&row) {
                // Somebody wrote it anew meanwhile, and it is looked at again.
                continue;
            }
            let Some(_) = selection_followed_since(connection, row.id).await? else {
                if self.of.is_none() {
                    // Nothing was for it until now: whoever is in it did not come into it just now.
                    member_insert(connection, row.id, &found, Timestamp::UNIX_EPOCH).await?;
                    selection_follow(connection, row.id, now).await?;
                    changed |= found;
                }
                continue;
            };
            let mut before = member_set(connection, row.id, None).await?;
            if let Some(of) = &self.of {
                before &= of;
            }
            let (came, left) = (&found - &before, &before - &found);
            if came.is_empty() && left.is_empty() {
                continue;
            }
            member_insert(connection, row.id, &came, now).await?;
            member_delete(connection, row.id, &left).await?;
            tell(connection, &row, (&came, &left), now).await?;
            changed |= came | left;
        }
        if !changed.is_empty() {
            muster_crash_point::reach("member.before-commit");
        }
        Ok(changed)
    }
}

async fn tell(
    connection: &mut Connection,
    row: &SelectionRow,
    (came, left): (&RoaringBitmap, &RoaringBitmap),
    now: Timestamp,
) -> Result<(), AppError> {
    let mut said = Vec::new();
    for (devices, verb) in [(came, "came into"), (left, "left")] {
        if devices.is_empty() {
            continue;
        }
        let some: Vec<DeviceId> = devices.iter().take(MOST_NAMED).map(DeviceId).collect();
        let names = device_names(connection, &some).await?;
        let mut names: Vec<String> = names.into_iter().map(|(_, name)| name).collect();
        if devices.len() > some.len() as u64 {
            names.push("…".into());
        }
        let counted = counted(devices.len(), "device");
        said.push(format!(
            "{counted} {verb} selection {}: {}.",
            row.selection.name,
            names.join(", ")
        ));
    }
    let event = NewEvent::new(CHANGED, Severity::Info, Actor::Server, said.join(" "))
        .about(Subject::default())
        .with(serde_json::json!({
            "selection": row.id,
            "came": came.len(),
            "left": left.len(),
        }));
    Ok(event_insert(connection, now, &[event]).await?)
}
