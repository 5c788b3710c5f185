//! Who the server runs as: this process's user, or another one where that is root.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::Error;

/// The accounts tried, in order, when this process is root, which PostgreSQL refuses to be.
const INSTEAD_OF_ROOT: [&str; 2] = ["postgres", "nobody"];

/// The operating system's user that owns and runs a server.
#[derive(Debug, Clone)]
pub(super) struct Account {
    /// User and group to change to; `None` stays as this process is.
    change_to: Option<(String, u32, u32)>,
}

impl Account {
    /// Chooses the account, given the user id that this process creates files with.
    pub(super) fn choose(own_uid: u32) -> Result<Self, Error> {
        if own_uid != 0 {
            return Ok(Self { change_to: None });
        }
        INSTEAD_OF_ROOT
            .into_iter()
            .find_map(|name| Some((name.to_owned(), id(name, "-u")?, id(name, "-g")?)))
            .map(|found| Self {
                change_to: Some(found),
            })
            .ok_or(Error::NoAccount)
    }

    /// The user and group that the server's files must belong to, where that is not this process's.
    pub(super) fn owner(&self) -> Option<(u32, u32)> {
        self.change_to.as_ref().map(|(_, uid, gid)| (*uid, *gid))
    }

    /// The name for messages.
    pub(super) fn describe(&self) -> String {
        match &self.change_to {
            Some((name, ..)) => format!("the user `{name}`"),
            None => "this user".to_owned(),
        }
    }

    /// A command that runs as the account, quietly, in a folder and a locale that always exist.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        // Dropping from root, the standard library drops the supplementary groups as well.
        if let Some((_, uid, gid)) = &self.change_to {
            command.uid(*uid).gid(*gid);
        }
        command
            .current_dir("/")
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }
}

/// Asks `id`, which knows directory services as well as `/etc/passwd`.
fn id(name: &str, which: &str) -> Option<u32> {
    let output = Command::new("id").arg(which).arg(name).output().ok()?;
    let number = output.status.success().then_some(output.stdout)?;
    let number = String::from_utf8(number).ok()?.trim().parse().ok()?;
    (number != 0).then_some(number)
}
