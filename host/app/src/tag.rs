//! Tags: words that administrators give to devices, for selections to ask for.

use crate::place::device_find;
use crate::{Administrator, App, AppError};
use muster_domain::event::{NewEvent, Severity, Subject};
use muster_domain::group::is_name;
use muster_storage::event::event_insert;
use muster_storage::tag::{tag_delete, tag_insert, tag_list};
use std::collections::BTreeSet;

/// Tags of a device.
const MOST: usize = 50;

impl App {
    /// The tags of a device.
    pub async fn tag_list(
        &self,
        _who: &Administrator,
        device: &str,
    ) -> Result<BTreeSet<String>, AppError> {
        let mut connection = self.0.storage.read().await?;
        let device = device_find(&mut connection, device).await?;
        Ok(tag_list(&mut connection, device.id).await?)
    }

    /// Gives tags to a device and takes others from it, and says which it has then.
    pub async fn tag_change(
        &self,
        who: &Administrator,
        device: String,
        add: Vec<String>,
        remove: Vec<String>,
    ) -> Result<BTreeSet<String>, AppError> {
        if let Some(wrong) = add.iter().find(|tag| !is_name(tag)) {
            let text = format!(
                "{wrong:?} is no tag: write 1 to 100 characters, none at either end that is white space, and \
                 none that steers a terminal"
            );
            return Err(AppError::Invalid {
                code: "tag-invalid",
                text,
            });
        }
        let actor = who.actor();
        let (device, tags) = self
            .logged(move |connection| {
                Box::pin(async move {
                    let device = device_find(connection, &device).await?;
                    let before = tag_list(connection, device.id).await?;
                    for tag in &remove {
                        tag_delete(connection, device.id, tag).await?;
                    }
                    for tag in &add {
                        tag_insert(connection, device.id, tag).await?;
                    }
                    let tags = tag_list(connection, device.id).await?;
                    if tags.len() > MOST {
                        return Err(AppError::Invalid {
                            code: "tag-too-many",
                            text: format!(
                                "a device has at most {MOST} tags; take others from it first"
                            ),
                        });
                    }
                    if tags != before {
                        let text = format!("The tags of device {} were changed.", device.name);
                        let event = NewEvent::new("device.tagged", Severity::Info, actor, text)
                            .about(Subject {
                                device: Some(device.id),
                                ..Subject::default()
                            })
                            .with(serde_json::json!({ "from": before, "to": tags }));
                        event_insert(connection, muster_clock::now(), &[event]).await?;
                    }
                    Ok((device.id, tags))
                })
            })
            .await?;
        self.0.hints.device_selected_anew(device);
        Ok(tags)
    }
}
