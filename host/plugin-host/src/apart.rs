//! Work apart: what takes a processor or a disk its time on the way through the gate. Neither the
//! threads that serve sockets nor those that run calls wait for it.
//!
//! It has the priority of the server's other work: it maps memory, and while it does so all other
//! threads of the process may have to wait for it.

/// Why such work gave no answer.
#[derive(Debug, thiserror::Error)]
#[error("{what} ended before its time")]
pub(crate) struct ApartError {
    what: &'static str,
    #[source]
    cause: tokio::task::JoinError,
}

/// Does work, of which `what` tells people, apart. It goes on if nobody waits for it any more.
pub(crate) async fn apart<T: Send + 'static>(
    what: &'static str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ApartError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|cause| ApartError { what, cause })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_error_of_the_work_alone() {
        assert_eq!(apart("counting", || 1).await.unwrap(), 1);
        let ended = apart("counting", || -> i32 { panic!("ours") }).await;
        let said = ended.unwrap_err().to_string();
        assert_eq!(said, "counting ended before its time");
    }
}
