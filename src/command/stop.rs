//! Ctrl-C and SIGTERM, heard from the moment of asking: what is begun after that is ended in order.

/// Resolves when somebody wants the run to stop. To be called within a runtime; from this call on, neither signal ends the
/// process by itself.
#[cfg(unix)]
pub(super) fn interrupted() -> impl Future<Output = ()> {
    use futures::stream::{FuturesUnordered, StreamExt};
    use tokio::signal::unix::{SignalKind, signal};

    let heard: Vec<_> =
        [SignalKind::interrupt(), SignalKind::terminate()].into_iter().filter_map(|kind| signal(kind).ok()).collect();
    async move {
        let mut waiting: FuturesUnordered<_> =
            heard.into_iter().map(|mut signal| async move { signal.recv().await }).collect();
        // Without a handler the system's own behaviour stays: the process ends.
        if waiting.next().await.is_none() {
            std::future::pending::<()>().await;
        }
    }
}

/// Resolves when somebody wants the run to stop. To be called within a runtime.
#[cfg(not(unix))]
pub(super) async fn interrupted() {
    // Without a handler the system's own behaviour stays: the process ends.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
