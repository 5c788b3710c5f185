//! Being ended from outside: Ctrl-C, or the system.

/// Ends when someone wants this process to end.
pub(super) async fn interrupted() {
    let asked = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut ended) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = ended.recv() => return,
                Ok(()) = asked => return,
                else => {}
            }
        }
    }
    #[cfg(not(unix))]
    if asked.await.is_ok() {
        return;
    }
    // Where signals cannot be heard, they end the process by themselves.
    std::future::pending().await
}
