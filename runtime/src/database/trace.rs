//! What a subscriber of `tracing` sees: a span for each query, and one for each wait for a connection. Names and numbers,
//! never values. Where nobody listens a span is one load of an atomic.

use deadpool::Status;
use tracing::Span;
use tracing::field::{Empty, display};

use crate::Error;
use crate::query::Key;

/// `tabellion.query`, under way.
pub(super) fn query(key: &Key) -> Span {
    tracing::debug_span!(
        "tabellion.query",
        table = key.table().name,
        operation = key.operation(),
        finder = key.finder(),
        rows = Empty,
        error = Empty
    )
}

/// How many rows it read or wrote, or why it did not.
pub(super) fn ended(span: &Span, outcome: Result<u64, &Error>) {
    if span.is_disabled() {
        return;
    }
    match outcome {
        Ok(rows) => span.record("rows", rows),
        Err(error) => span.record("error", display(error)),
    };
}

/// `tabellion.pool`, the wait for a connection: how many there are, may be, are free and are waited for.
pub(super) fn wait(status: impl FnOnce() -> Status) -> Span {
    let span = tracing::debug_span!(
        "tabellion.pool",
        connections = Empty,
        max_connections = Empty,
        available = Empty,
        waiting = Empty
    );
    if !span.is_disabled() {
        let status = status();
        span.record("connections", status.size);
        span.record("max_connections", status.max_size);
        span.record("available", status.available);
        span.record("waiting", status.waiting);
    }
    span
}
