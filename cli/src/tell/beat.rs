//! A thread of its own that says from time to time what is being done, however busy the others are.

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};

use super::Teller;

/// Runs until it is dropped.
pub(crate) struct Beat {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Beat {
    pub(crate) fn start(teller: &Arc<Teller>) -> Beat {
        let (stop, stopped) = mpsc::channel();
        let teller = Arc::clone(teller);
        let every = teller.every;
        // Where no thread can be had, the work goes on without it.
        let thread = thread::Builder::new().spawn(move || {
            while stopped.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                teller.beat();
            }
        });
        Beat {
            stop: Some(stop),
            thread: thread.ok(),
        }
    }
}

impl Drop for Beat {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
