//! The future of a statement that a policy must allow.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::Error;

/// What a query will bring, once awaited.
///
/// A type of its own rather than an `async fn`'s: the type of an `async fn` repeats the bounds of the
/// function, and where no policy allows the query rustc would say so once for the call, once for the
/// future and once for its `await`.
#[must_use = "nothing is sent until it is awaited"]
pub struct Fetch<'a, R> {
    future: Pin<Box<dyn Future<Output = Result<R, Error>> + Send + 'a>>,
}

impl<'a, R> Fetch<'a, R> {
    pub(super) fn new(future: impl Future<Output = Result<R, Error>> + Send + 'a) -> Self {
        Fetch {
            future: Box::pin(future),
        }
    }
}

impl<R> Future for Fetch<'_, R> {
    type Output = Result<R, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.future.as_mut().poll(context)
    }
}

impl<R> fmt::Debug for Fetch<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetch").finish_non_exhaustive()
    }
}
