//! What can go wrong in storage.

/// Why storage did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// A named constraint of the schema was hit, such as `group_name_taken`.
    #[error("constraint {0}")]
    Constraint(&'static str),
    /// No room is left on the disk. Nothing was changed.
    #[error("the disk that holds the database is full; nothing was changed, make room on it")]
    Full,
    /// The schema could not be brought up to date.
    #[error("cannot bring the database's schema up to date")]
    Migrate(#[source] sqlx::migrate::MigrateError),
    /// A row holds what this version cannot read.
    #[error("row of {table} cannot be read: {what}")]
    Row {
        /// The table.
        table: &'static str,
        /// The column and what is wrong with it.
        what: String,
    },
    /// The writer has ended: the server is stopping.
    #[error("the database is closed")]
    Closed,
    /// A failure elsewhere ended the group of jobs before this one was run.
    #[error("the change was not made, because of another failure at the same time; try again")]
    NotMade,
    /// The group of jobs that this one was committed with could not be committed.
    #[error("could not commit")]
    Commit(#[source] std::sync::Arc<StorageError>),
    /// Anything else that the database says.
    #[error("database error")]
    Database(#[source] sqlx::Error),
}

/// The constraints that callers care for, by what SQLite says of them.
const CONSTRAINTS: [(&str, &str); 7] = [
    ("groups.parent, groups.name", "group_name_taken"),
    ("devices.name", "device_name_taken"),
    ("administrator_tokens.name", "administrator_name_taken"),
    ("windows.name", "window_name_taken"),
    ("selections.name", "selection_name_taken"),
    ("plugins.application", "plugin_current"),
    ("trust_credentials.name", "trust_credential_known"),
];

impl From<sqlx::Error> for StorageError {
    fn from(error: sqlx::Error) -> Self {
        if let sqlx::Error::Database(cause) = &error {
            // SQLITE_FULL, and SQLITE_IOERR_WRITE, which some file systems say instead.
            if matches!(cause.code().as_deref(), Some("13" | "778")) {
                return Self::Full;
            }
            if cause.is_unique_violation() {
                let said = cause.message();
                if let Some((_, name)) = CONSTRAINTS.iter().find(|(place, _)| said.contains(place))
                {
                    return Self::Constraint(name);
                }
            }
        }
        Self::Database(error)
    }
}
