//! Worlds and files for integration tests: `mod world;`. A test that leaves a part unused expects `dead_code` there.

pub(crate) mod ask;
pub(crate) mod authority;
pub(crate) mod case;
pub(crate) mod https;
pub(crate) mod mail;
pub(crate) mod run;

/// Runs a blocking client beside the servers of a test.
pub(crate) async fn beside<T: Send + 'static>(client: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(client).await {
        Ok(value) => value,
        Err(e) => std::panic::resume_unwind(e.into_panic()),
    }
}
