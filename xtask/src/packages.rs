//! The package managers that have PostgreSQL and PgBouncer.

/// One package manager and how it installs a server, or the pooler of that name.
pub(crate) struct Manager {
    /// Its program.
    pub(crate) program: &'static str,
    /// Whether it installs for the whole machine, which only root may do.
    pub(crate) as_root: bool,
    /// The arguments of a run that refreshes its lists, where it does not do so by itself.
    pub(crate) refresh: &'static [&'static str],
    /// A program and its arguments whose output names the version that would be installed.
    pub(crate) candidate: Option<&'static [&'static str]>,
    /// The arguments of the run that installs, before the package's name.
    pub(crate) install: &'static [&'static str],
    /// The server's package.
    pub(crate) server: &'static str,
}

/// PgBouncer's package, of that name everywhere.
pub(crate) const PGBOUNCER: &str = "pgbouncer";

/// In the order in which they are looked for.
pub(crate) const MANAGERS: &[Manager] = &[
    Manager {
        program: "apt-get",
        as_root: true,
        refresh: &["update"],
        candidate: Some(&["apt-cache", "policy", "postgresql"]),
        install: &[
            "install",
            "--yes",
            "--no-upgrade",
            "--no-install-recommends",
        ],
        server: "postgresql",
    },
    Manager {
        program: "dnf",
        as_root: true,
        refresh: &[],
        candidate: None,
        install: &["install", "--assumeyes"],
        server: "postgresql-server",
    },
    Manager {
        program: "apk",
        as_root: true,
        refresh: &["update"],
        candidate: None,
        install: &["add"],
        server: "postgresql",
    },
    Manager {
        program: "brew",
        as_root: false,
        refresh: &[],
        candidate: None,
        install: &["install"],
        server: "postgresql@17",
    },
];

/// The major version in the output of `apt-cache policy`: its line `Candidate: 15+248+deb12u1`.
pub(crate) fn candidate_major(output: &str) -> Option<u32> {
    let version = output
        .lines()
        .find_map(|line| line.trim().strip_prefix("Candidate:"))?
        .trim();
    let digits = version
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(version.len());
    version[..digits].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_candidate_of_apt_is_read() {
        let output =
            "postgresql:\n  Installed: (none)\n  Candidate: 15+248+deb12u1\n  Version table:\n";
        assert_eq!(candidate_major(output), Some(15));
        assert_eq!(candidate_major("postgresql:\n  Candidate: (none)\n"), None);
        assert_eq!(candidate_major(""), None);
    }
}
