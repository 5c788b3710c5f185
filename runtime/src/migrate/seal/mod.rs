//! Sealing: the draft becomes a dated migration and its rollback, and the lock records both.
//!
//! The files are written first and the lock last, each at once or not at all, so the lock's rename is
//! the moment of sealing. Cut short before it, the same command run again takes up the files that it
//! finds; cut short after it, the draft that stays is refused as drawn against another lock.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use tabellion_sql::file::{Header, body, checksum};
use tabellion_sql::lock::{Draft, Lock};

use super::error::{MigrateError, Problems};
use super::set::{DOWN, LOCK, Migrations, SEALED, UP, orphans, read, read_lock};

/// The draft's files below the root: the migration, its rollback, and what they lead to.
const DRAFT: [&str; 3] = ["draft.sql", "draft.rollback.sql", "draft.lock"];

/// What sealing wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedFiles {
    /// The migration's version: fourteen digits, the moment of sealing in UTC.
    pub version: String,
    /// The file that applies it.
    pub up: PathBuf,
    /// The file that undoes it.
    pub down: PathBuf,
    /// What applying it destroys.
    pub loses_data: Vec<String>,
}

/// Seals the draft below `root` under a name of lower-case letters, digits and `_`.
///
/// A draft that loses data is sealed only with a reason, which goes into the file's header and the
/// lock.
///
/// # Errors
/// No draft, or one that is not what the last build wrote; a name that is none; a loss of data
/// without a reason; a lock or sealed files that are not as they should be; a folder that cannot be
/// written. Nothing is sealed then.
pub fn seal(
    root: impl AsRef<Path>,
    name: &str,
    accept_data_loss: Option<&str>,
) -> Result<SealedFiles, MigrateError> {
    let root = root.as_ref();
    check_name(name)?;
    let mut lock = match read_lock(root)? {
        Some(lock) => {
            Migrations::check_files(root, &lock)?;
            lock
        }
        None => Lock::default(),
    };
    let (draft, [up, down]) = read_draft(root, &lock)?;
    let parse = |file: &str, text: &str| {
        Header::parse(text).map_err(|error| {
            MigrateError::files(format!("`{}` {error}", root.join(file).display()))
        })
    };
    let (up_header, down_header) = (parse(DRAFT[0], &up)?, parse(DRAFT[1], &down)?);
    let losses = up_header.loses_data.clone();
    let accepted = accept_data_loss
        .map(str::trim)
        .filter(|reason| !reason.is_empty());
    if !losses.is_empty() && accepted.is_none() {
        return Err(MigrateError::DataLoss {
            what: format!("`{}`", root.join(DRAFT[0]).display()),
            losses,
            remedy: "say why with `--accept-data-loss \"REASON\"`, or change the structs".into(),
        });
    }
    let accepted = accepted.filter(|_| !losses.is_empty()).map(str::to_owned);

    let parent = lock.head().map(|head| head.checksum);
    let up = sealed(
        format!("{SEALED}. To change the schema, change the structs and seal anew.\n"),
        Header {
            parent: parent.clone(),
            accepted: accepted.clone(),
            ..up_header
        },
        &up,
    );
    let down = sealed(
        format!("{SEALED}, as the way back from `{name}`.\n"),
        Header {
            parent,
            ..down_header
        },
        &down,
    );
    let version = version(root, &lock, name, [(UP, &up), (DOWN, &down)])?;
    let file = format!("{version}_{name}.sql");
    let paths = [root.join(UP).join(&file), root.join(DOWN).join(&file)];
    let loss = (losses.clone(), accepted);
    lock.seal(&version, name, (&up, &down), loss, draft.schema)
        .map_err(|error| MigrateError::Request(error.to_string()))?;

    write(&paths[0], &up)?;
    write(&paths[1], &down)?;
    write(&root.join(LOCK), &lock.to_text())?;
    for file in DRAFT {
        // The lock is written, so a draft that cannot be removed is only refused by the next seal.
        let _ = fs::remove_file(root.join(file));
    }
    let [up, down] = paths;
    Ok(SealedFiles {
        version,
        up,
        down,
        loses_data: losses,
    })
}

fn check_name(name: &str) -> Result<(), MigrateError> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if name.is_empty() || name.len() > 100 || !name.chars().all(fits) {
        return Err(MigrateError::Request(format!(
            "`{name}` is not a name for a migration; use up to 100 lower-case letters, digits and `_`"
        )));
    }
    Ok(())
}

/// The draft's lock and its two files.
fn read_draft(root: &Path, lock: &Lock) -> Result<(Draft, [String; 2]), MigrateError> {
    let [up, down, facts] = DRAFT.map(|file| read(&root.join(file)));
    let shown = root.display();
    let (up, down, facts) = match (up?, down?, facts?) {
        (Some(up), Some(down), Some(facts)) => (up, down, facts),
        (None, None, None) => {
            return Err(MigrateError::files(format!(
                "`{shown}` holds no draft: the structs and the last seal agree; change a struct and run \
                 `cargo build`"
            )));
        }
        _ => {
            return Err(MigrateError::files(format!(
                "`{shown}` holds a part of a draft only; run `cargo build` to draw it again"
            )));
        }
    };
    let draft = Draft::parse(&facts).map_err(|error| {
        MigrateError::files(format!(
            "`{}` cannot be used: {error}; or remove it and run `cargo build`",
            root.join(DRAFT[2]).display()
        ))
    })?;
    if draft.parent != lock.head().map(|head| head.checksum) {
        return Err(MigrateError::files(format!(
            "the draft in `{shown}` was drawn against another lock; run `cargo build` to draw it again, and \
             read it again"
        )));
    }
    if !draft.matches(&up, &down) {
        return Err(MigrateError::files(format!(
            "the draft in `{shown}` is not what the build wrote; remove its three files and run `cargo build` \
             to draw it again"
        )));
    }
    Ok((draft, [up, down]))
}

/// A draft's file with the header of a sealed one. The lines of the draft's header that are no
/// directives speak of the draft, and go.
fn sealed(title: String, header: Header, draft: &str) -> String {
    let body = body(draft);
    let gap = if body.is_empty() { "" } else { "\n" };
    format!("{title}{header}{gap}{body}")
}

/// The version to seal under: now, later than the last, or that of the files which a seal that was cut
/// short left behind. Another file that the lock does not know is an error.
fn version(
    root: &Path,
    lock: &Lock,
    name: &str,
    texts: [(&str, &str); 2],
) -> Result<String, MigrateError> {
    let last = lock.head().map(|head| head.version).unwrap_or_default();
    let mut taken_up: Option<String> = None;
    let mut problems = Vec::new();
    for orphan in orphans(root, lock)? {
        let text = texts
            .iter()
            .find(|(folder, _)| orphan.path.starts_with(folder));
        let same = match text {
            Some((_, text)) if orphan.name == name => {
                let found = read(&root.join(&orphan.path))?.unwrap_or_default();
                checksum(&found) == checksum(text)
            }
            _ => false,
        };
        let one = taken_up
            .as_ref()
            .is_none_or(|version| *version == orphan.version);
        if same && one && orphan.version > last {
            taken_up = Some(orphan.version);
        } else {
            problems.push(orphan.problem(root));
        }
    }
    if !problems.is_empty() {
        return Err(MigrateError::Files(Problems(problems)));
    }
    Ok(taken_up.unwrap_or_else(|| later_than(&last, now())))
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_secs())
}

/// The moment as a version, or the first second after the last version where that is later.
fn later_than(last: &str, seconds: u64) -> String {
    let version = timestamp(seconds);
    if version.as_str() > last {
        return version;
    }
    timestamp(seconds_of(last).map_or(seconds, |last| last + 1))
}

/// `YYYYMMDDHHMMSS` in UTC.
fn timestamp(seconds: u64) -> String {
    let (days, time) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    format!(
        "{year:04}{month:02}{day:02}{:02}{:02}{:02}",
        time / 3_600,
        time / 60 % 60,
        time % 60
    )
}

/// The inverse of [`timestamp`].
fn seconds_of(version: &str) -> Option<u64> {
    let part = |from: usize, to: usize| version.get(from..to)?.parse::<u64>().ok();
    let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
    let days: u64 = (1970..year)
        .map(|year| if leap(year) { 366 } else { 365 })
        .sum();
    let months: u64 = (1..month).map(|month| days_in(year, month)).sum();
    let time = part(8, 10)? * 3_600 + part(10, 12)? * 60 + part(12, 14)?;
    Some((days + months + day.checked_sub(1)?) * 86_400 + time)
}

/// Year, month and day of a day since 1970.
fn civil(mut days: u64) -> (u64, u64, u64) {
    let mut year = 1970;
    loop {
        let length = if leap(year) { 366 } else { 365 };
        if days < length {
            break;
        }
        days -= length;
        year += 1;
    }
    let mut month = 1;
    while days >= days_in(year, month) {
        days -= days_in(year, month);
        month += 1;
    }
    (year, month, days + 1)
}

fn leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_in(year: u64, month: u64) -> u64 {
    match month {
        2 if leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Writes beside the file and renames over it: a reader sees the old text or the new one, and so
/// does whoever comes after a crash.
fn write(path: &Path, text: &str) -> Result<(), MigrateError> {
    let failed = |error: std::io::Error| {
        MigrateError::Io(format!(
            "`{}` cannot be written: {error}; nothing was sealed, so make the folder writable and run it again",
            path.display()
        ))
    };
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(failed)?;
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".tmp");
    let beside = folder.join(name);
    let written = fs::File::create(&beside)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())
                .and_then(|()| file.sync_all())
        })
        .and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written.map_err(failed)?;
    // The rename itself must survive a crash before the next file's does.
    #[cfg(unix)]
    if let Ok(folder) = fs::File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_the_moment_in_utc_and_always_later() {
        assert_eq!(timestamp(0), "19700101000000");
        assert_eq!(timestamp(951_827_696), "20000229123456");
        assert_eq!(timestamp(4_107_542_399), "21000228235959");
        for seconds in [0, 951_827_696, 1_735_689_599, 4_107_542_400] {
            assert_eq!(seconds_of(&timestamp(seconds)), Some(seconds));
        }
        assert_eq!(later_than("", 0), "19700101000000");
        assert_eq!(later_than("20000229123456", 951_827_696), "20000229123457");
        assert_eq!(later_than("20241231235959", 0), "20250101000000");
    }
}
