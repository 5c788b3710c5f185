//! How many threads read a target, and having them do it.

use std::num::NonZero;
use std::path::Path;
use std::{fs, thread};

use crate::walk::{Share, Target};

/// The most threads: each lexes the whole target, so that more of them only warm the machine.
const MOST: usize = 4;

/// Fewer tables than this are read before another thread has lexed the target.
const LEAST: usize = 40;

/// How many threads a target is worth.
pub(super) fn threads(manifest_dir: &Path, target: &Target) -> usize {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    if cores == 1 {
        return 1;
    }
    let root = manifest_dir.join(&target.root);
    let tables = root.parent().map_or(0, tables);
    (tables / LEAST).clamp(1, MOST.min(cores))
}

/// About how many structs below a folder derive `Table`. What a guess at it costs is time alone.
fn tables(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let each = entries.map(|entry| {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => tables(&path),
            Ok(kind) if kind.is_file() && path.extension().is_some_and(|ext| ext == "rs") => {
                let text = fs::read_to_string(&path).unwrap_or_default();
                text.lines()
                    .filter(|line| line.starts_with("#[derive") && line.contains("Table"))
                    .count()
            }
            _ => 0,
        }
    });
    each.sum()
}

/// Does the shares of some work at once, and gives what they come to in their order.
pub(super) fn shares<T: Send>(of: usize, work: impl Fn(Share) -> T + Sync) -> Vec<T> {
    thread::scope(|scope| {
        let work = &work;
        let others: Vec<_> = (1..of)
            .map(|number| scope.spawn(move || work(Share { number, of })))
            .collect();
        let mut done = vec![work(Share { number: 0, of })];
        for other in others {
            let other = other.join();
            done.push(other.unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        done
    })
}
