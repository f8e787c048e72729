//! A plug-in that asks for capabilities and limits, in releases that ask for more and for less.

#[path = "../../capable-guest/src/slot.rs"]
#[expect(
    unreachable_pub,
    reason = "the guest's own file, which others see as well"
)]
mod slot;

use crate::changing::written;
use anyhow::Result;
use jiff::{SignedDuration, Timestamp};
use muster_domain::application::Limit;
use muster_domain::{ApplicationId, Digest};
use muster_release::statement::Statement;
use muster_test_harness::Client;

/// Its application.
pub const CAPABLE: &str = "org.example.capable";

/// The guest, with its words and its version, signed. It asks for files, clock and random, and for so
/// much memory.
pub async fn capable(
    client: &Client,
    guest: &[u8],
    words: &str,
    version: &str,
    memory: Option<u32>,
) -> Result<Vec<u8>> {
    let bytes = written(guest, slot::SLOT, slot::SLOT_BYTES, words)?;
    let created = Timestamp::now();
    let capabilities = ["clock", "files", "random"].map(str::to_owned);
    let statement = Statement::new(
        Digest::of(&bytes),
        ApplicationId::new(CAPABLE)?,
        version.parse()?,
        (
            capabilities.into(),
            memory
                .map(|mebibytes| (Limit::Memory, mebibytes))
                .into_iter()
                .collect(),
        ),
        created..created + SignedDuration::from_hours(24),
    );
    client.vendor().await?.bundle(&bytes, &statement)
}
