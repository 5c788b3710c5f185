//! Writing to people, some of whom stop reading: `cargo tabellion status | head -1`.
//!
//! `println!` panics where nobody reads any more. A command that changes a database must not stop halfway
//! for that, so the rest of what it says is dropped and its exit code stays its own.

use std::fmt::Arguments;
use std::io::{self, ErrorKind, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether something that someone would have read could not be written.
static LOST: AtomicBool = AtomicBool::new(false);

/// Writes to standard output.
pub(crate) fn out(text: Arguments<'_>) {
    if let Err(error) = write(&mut io::stdout().lock(), text)
        && !LOST.swap(true, Ordering::Relaxed)
    {
        err(format_args!(
            "error: standard output cannot be written: {error}; see where it leads\n"
        ));
    }
}

/// Writes to standard error; where that fails, there is nobody left to tell.
pub(crate) fn err(text: Arguments<'_>) {
    let _ = write(&mut io::stderr().lock(), text);
}

/// Whether standard output failed for another reason than that its reader had enough.
pub(crate) fn lost() -> bool {
    LOST.load(Ordering::Relaxed)
}

fn write(to: &mut impl Write, text: Arguments<'_>) -> io::Result<()> {
    match to.write_fmt(text).and_then(|()| to.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}
