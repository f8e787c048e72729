//! The store's marks, by which the server knows a copy of it, and whether it is let in at all.

use super::{Store, StoreError};
use muster_agent_protocol::message::Lineage;
use muster_domain::Digest;
use sqlx::{Row as _, SqliteConnection};

impl Store {
    /// The marks for the next link. The new one is kept before it is told: whoever ends the agent in
    /// between, it is told again.
    pub async fn lineage(&self) -> Result<Lineage, StoreError> {
        let sql =
            "update identity set next_mark = coalesce(next_mark, ?) returning mark, next_mark";
        let row = sqlx::query(sql)
            .bind(uuid::Uuid::new_v4().to_string())
            .fetch_one(&self.pool)
            .await?;
        Ok(Lineage {
            last: row.get(0),
            next: row.get(1),
        })
    }

    /// The server let the device in, and took the mark.
    pub async fn mark_taken(&self) -> Result<(), StoreError> {
        let sql = "update identity set mark = coalesce(next_mark, mark), next_mark = null, \
                   barred = null";
        sqlx::query(sql).execute(&self.pool).await?;
        Ok(())
    }

    /// The server lets the device in no more: it starts nothing until it is enrolled again.
    pub async fn set_barred(&self, certificate: &str) -> Result<(), StoreError> {
        sqlx::query("update identity set barred = ?")
            .bind(Digest::of(certificate).to_string())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// With another certificate a device may be let in.
    pub async fn enrolled_with(&self, certificate: &str) -> Result<(), StoreError> {
        sqlx::query("update identity set barred = null where barred <> ?")
            .bind(Digest::of(certificate).to_string())
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}

/// Whether the server lets the device in no more.
pub(crate) async fn is_barred(at: &mut SqliteConnection) -> Result<bool, StoreError> {
    let row = sqlx::query("select barred is not null from identity")
        .fetch_one(at)
        .await?;
    Ok(row.get(0))
}

#[cfg(test)]
mod tests {
    use super::super::StoreLocation;
    use super::*;

    #[tokio::test]
    async fn who_is_let_in_no_more_may_be_with_another_certificate() {
        let store = Store::open(&StoreLocation::Memory, "x", false)
            .await
            .unwrap();
        let barred = async || {
            is_barred(&mut store.acquire().await.unwrap())
                .await
                .unwrap()
        };
        assert!(!barred().await);
        store.set_barred("one").await.unwrap();
        store.enrolled_with("one").await.unwrap();
        assert!(barred().await);
        store.enrolled_with("another").await.unwrap();
        assert!(!barred().await);
    }

    #[tokio::test]
    async fn a_mark_is_told_until_it_is_taken() {
        let store = Store::open(&StoreLocation::Memory, "x", false)
            .await
            .unwrap();
        let first = store.lineage().await.unwrap();
        assert_eq!(first.last, None);
        assert_eq!(store.lineage().await.unwrap(), first);
        store.mark_taken().await.unwrap();
        let second = store.lineage().await.unwrap();
        assert_eq!(second.last, Some(first.next.clone()));
        assert_ne!(second.next, first.next);
        // Another name of the store changes nothing about its marks.
        store.rename().await.unwrap();
        assert_eq!(store.lineage().await.unwrap(), second);
    }
}
