//! Between columns and domain values.

use crate::error::StorageError;
use jiff::Timestamp;
use roaring::RoaringBitmap;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::sqlite::SqliteRow;
use sqlx::{Decode, Row, Sqlite, Type};

/// Reads the columns of one row; every error names table and column.
pub(crate) struct Columns<'r> {
    pub(crate) table: &'static str,
    pub(crate) row: &'r SqliteRow,
}

impl<'r> Columns<'r> {
    pub(crate) fn get<T>(&self, column: &'static str) -> Result<T, StorageError>
    where
        T: Decode<'r, Sqlite> + Type<Sqlite>,
    {
        self.row.try_get(column).map_err(StorageError::from)
    }

    pub(crate) fn wrong(&self, column: &str, why: impl std::fmt::Display) -> StorageError {
        StorageError::Row {
            table: self.table,
            what: format!("{column}: {why}"),
        }
    }

    pub(crate) fn number<T>(&self, column: &'static str) -> Result<T, StorageError>
    where
        T: TryFrom<i64>,
        T::Error: std::fmt::Display,
    {
        T::try_from(self.get::<i64>(column)?).map_err(|why| self.wrong(column, why))
    }

    pub(crate) fn optional_number<T>(&self, column: &'static str) -> Result<Option<T>, StorageError>
    where
        T: TryFrom<i64>,
        T::Error: std::fmt::Display,
    {
        let number: Option<i64> = self.get(column)?;
        number
            .map(|number| T::try_from(number).map_err(|why| self.wrong(column, why)))
            .transpose()
    }

    pub(crate) fn text<T>(&self, column: &'static str) -> Result<T, StorageError>
    where
        T: std::str::FromStr,
        T::Err: std::fmt::Display,
    {
        self.get::<&str>(column)?
            .parse()
            .map_err(|why| self.wrong(column, why))
    }

    pub(crate) fn optional_text<T>(&self, column: &'static str) -> Result<Option<T>, StorageError>
    where
        T: std::str::FromStr,
        T::Err: std::fmt::Display,
    {
        let text: Option<&str> = self.get(column)?;
        text.map(|text| text.parse().map_err(|why| self.wrong(column, why)))
            .transpose()
    }

    pub(crate) fn time(&self, column: &'static str) -> Result<Timestamp, StorageError> {
        Timestamp::from_millisecond(self.get(column)?).map_err(|why| self.wrong(column, why))
    }

    pub(crate) fn optional_time(
        &self,
        column: &'static str,
    ) -> Result<Option<Timestamp>, StorageError> {
        let time: Option<i64> = self.get(column)?;
        time.map(|time| Timestamp::from_millisecond(time).map_err(|why| self.wrong(column, why)))
            .transpose()
    }

    /// A column of JSON text.
    pub(crate) fn json<T: DeserializeOwned>(
        &self,
        column: &'static str,
    ) -> Result<T, StorageError> {
        serde_json::from_str(self.get(column)?).map_err(|why| self.wrong(column, why))
    }

    pub(crate) fn optional_json<T: DeserializeOwned>(
        &self,
        column: &'static str,
    ) -> Result<Option<T>, StorageError> {
        let text: Option<&str> = self.get(column)?;
        text.map(|text| serde_json::from_str(text).map_err(|why| self.wrong(column, why)))
            .transpose()
    }

    /// A column that holds the bare word of a value which JSON writes as a string.
    pub(crate) fn word<T: DeserializeOwned>(
        &self,
        column: &'static str,
    ) -> Result<T, StorageError> {
        let word: &str = self.get(column)?;
        from_word(word).map_err(|why| self.wrong(column, why))
    }

    pub(crate) fn optional_word<T: DeserializeOwned>(
        &self,
        column: &'static str,
    ) -> Result<Option<T>, StorageError> {
        let word: Option<&str> = self.get(column)?;
        word.map(|word| from_word(word).map_err(|why| self.wrong(column, why)))
            .transpose()
    }

    pub(crate) fn bitmap(&self, column: &'static str) -> Result<RoaringBitmap, StorageError> {
        let bytes: &[u8] = self.get(column)?;
        RoaringBitmap::deserialize_from(bytes).map_err(|why| self.wrong(column, why))
    }
}

fn from_word<T: DeserializeOwned>(word: &str) -> Result<T, serde_json::Error> {
    serde_json::from_value(serde_json::Value::String(word.to_owned()))
}

/// The bare word of a value that JSON writes as a string.
pub(crate) fn to_word(value: &impl Serialize) -> String {
    match serde_json::json!(value) {
        serde_json::Value::String(word) => word,
        other => other.to_string(),
    }
}

/// JSON text of a value.
pub(crate) fn to_json(value: &impl Serialize) -> String {
    serde_json::json!(value).to_string()
}

/// Bytes of a bitmap.
pub(crate) fn to_bytes(bitmap: &RoaringBitmap) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(bitmap.serialized_size());
    // Writing into a vector cannot fail.
    let _ = bitmap.serialize_into(&mut bytes);
    bytes
}

/// Numbers of devices as a set.
pub(crate) fn to_set(ids: Vec<i64>) -> RoaringBitmap {
    let small = ids.into_iter().filter_map(|id| u32::try_from(id).ok());
    small.collect()
}

/// Milliseconds since 1970.
pub(crate) fn to_millis(time: Timestamp) -> i64 {
    time.as_millisecond()
}
