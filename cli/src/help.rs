//! What the help says beyond the flags: what a command prints, what it refuses, its JSON, the exit codes.

/// Joins the parts of a help text.
macro_rules! help {
    ($($part:expr),* $(,)?) => {
        concat!($($part, "\n\n",)* "\
Exit codes: 0 done, 1 a finding, 2 usage, 3 refused, 4 failed, 5 held by another process.
`cargo tabellion --help` says more of them, of JSON's common fields, and of evidence.")
    };
}

/// Of all commands.
pub(crate) const MAIN: &str = "\
Exit codes:
  0  done
  1  a finding: the database differs (verify, adopt), a way back is not exact (rehearse), a test fails or does
     not notice what is missing (test), something is pending or out of order (status --check), the history does
     not fit (plan)
  2  the command line or tabellion.toml cannot be followed: an unknown version or target, a missing variable
  3  refused, and nothing was changed: lock, files or ledger are not in order, an approval is missing, what
     is not additive was not accepted, or the folder for the evidence is in use
  4  failed: the database, a folder, or a statement of a migration, which was rolled back
  5  another process is applying migrations, or holds the database to copy; try again

tabellion.toml, beside Cargo.toml or above:
  root = \"db\"                            the folder of the lock; as --root
  [target.production]
  url_env = \"PRODUCTION_DATABASE_URL\"    the environment variable that holds the URL, never the URL itself
  approval = true                        whether migrations need an approval to be applied and rolled back
  pooler = \"transaction\"                 what stands between: `direct` (unless said), `session`, `transaction`
  direct_url_env = \"PRODUCTION_DIRECT\"   the variable of a URL past the pooler, for indexes built concurrently

Progress:
  On a terminal one line shows the migration, its statement where it has a position, and the seconds. Elsewhere
  standard error gets a line with the time at least every --heartbeat seconds, such as
  `2026-01-02T03:04:05Z apply 20260102030405_tasks: statement 3 of 7, 15 s`. A file in a transaction is one
  message to the server, so how many statements it holds is told, and not which of them runs.

JSON (--json), on standard output:
  Every document has `command`, `target`, `outcome` (`done`, `finding`, `usage`, `refused`, `failed`, `held`) and
  `exit_code`; the help of each command lists what it adds. An error has, in place of that, `error` with `kind`,
  `message`, `exit_code`, and `problems` where they are several; of a failed statement also `file`, `line`,
  `statement`, `sqlstate`, `undone` and `kept`. Times are UTC, durations milliseconds.
  A row of the ledger: `id`, `event`, `version`, `name`, `checksum`, `rollback_checksum`, `target`, `actor`,
  `on_behalf_of`, `note`, `position`, `at`, `duration_ms`, `tool`, `guarded` (whether its target asks for approvals);
  of the event `claimed`, which is of no migration, `version`, `name` and both checksums are null.
  A migration: `version`, `name`, `state` (`pending`, `begun`, `applied`), `checksum`, `rollback_checksum`,
  `statements`, `no_transaction`, `hazards`, `rollback_hazards`, `approved` and `applied` (rows or null).
  Kinds of error, with the exit code:
    usage (2)         the command line or tabellion.toml
    files (3)         a sealed file or the lock is missing or not as it was sealed
    history (3)       ledger and lock tell different histories, or the ledger is not to be trusted
    data-loss (3)     something loses data and was not accepted
    wider-access (3)  something opens access and was not accepted
    unaccepted (3)    something is not additive, or nothing proves it, and was not accepted
    unapproved (3)    an approval is missing, or a target that asks for them guards the database
    evidence (3)      the folder for the evidence holds something already
    connection (4)    no connection could be opened, or it was lost
    server (4)        the server refused a statement of Tabellion's own
    statement (4)     a statement of a migration failed
    io (4)            a file or folder could not be read or written
    interrupted (4)   a rehearsal, an apply or a rollback was ended from outside
    held (5)          another process holds the migration lock

Evidence (--evidence DIR), left by every run but one whose command line cannot be read, failed ones included:
  log.txt            what was told, each line with its time
  plan.json          the migrations as they stood before, and `would_run`: the versions that were to run
  outcome.json       how it ended, as with --json, with `tool` and `at`
  verification.json  the comparison with the sealed schema after it
  SHA256SUMS         of these files; `sha256sum --check SHA256SUMS`
  Where something prevented a plan or a verification, its `error` stands there; seal, new, reseal and explain leave neither.
  DIR appears once it is complete; until then, and after a run that was killed, it is `DIR.unfinished`. No URL,
  password or row's value is in it.";

pub(crate) const SEAL: &str = help!(
    "\
Says:
  sealed FILE             for both files of each pair, with what applying it does (loses-data, widens-access,
                          removes, restricts, narrows-access, rewrites, locks, scans)
  the draft was drawn before this; run `cargo build` …",
    "\
Refuses: a draft that is not what the last build wrote; files or a lock that are not as they were sealed; what
is not additive and not accepted; a pair written by hand that the lints find fault with.",
    "JSON: `sealed` (a list of `version`, `up`, `down`, `hazards`, `accepted`), `redraw` (whether to build again)."
);

pub(crate) const NEW: &str = help!(
    "Says: wrote FILE, for both files.",
    "Refuses (2): a name that is none, or that is taken.",
    "JSON: `up`, `down`."
);

pub(crate) const RESEAL: &str = help!(
    "\
Says:
  was VERSION, sealed FILE    for each migration that got a new version, and whether its files were drawn anew
  left out FILE               for each that the other branch says already
  its reason for OBJECT       for each reason accepted for what the other branch does already, which no file holds now
  the sealed migrations are one chain; none was sealed anew",
    "\
Refuses: two branches that changed the same thing, with both lines, or that do not fit together; two that are
both applied; a database that holds what the lock does not.",
    "JSON: `resealed` (a list of `from`, `drawn_anew`, `left_out`, `said_already`, `version`, `up`, `down`,
`hazards`, `accepted`)."
);

pub(crate) const REHEARSE: &str = help!(
    "\
Says where it took place and what was made for it, then, in a table: version, name, how long up, down and up again
took, the verdict (exact, not exact), and the strongest lock on each relation that was there before; then a line for
each thing that is not as it should be (exit code 1), such as what a rollback leaves behind, for the rows of each
table of a copy, and for what an earlier rehearsal that was killed has left.",
    "\
Refuses (2): a copy that cannot be made; nowhere to rehearse. Refuses (3): a copy of a database that a target which
asks for approvals guards; where it is a restored backup, claim it first. Held (5): the database to copy is in use. A rehearsal
that is interrupted drops its scratch database first.",
    "\
JSON lines, each with `at` and `event`:
  prepared   `place`: where, and why there
  running    `run` (`apply`, `rollback`), `version`, `name`, `statements`: a file is sent
  progress   `doing`, `seconds`: nothing else was told for --heartbeat seconds
  done       `migration`: it has been up, down and up again
  outcome    the common fields, `clean`, `place`, `prepared` (what was made for it), `migrations`, `verification` (as
             that of verify; null where a file failed), `rows` (of a copy: `table`, `before`, `applied`,
             `rolled_back`), `leftovers`; or `error`
A migration: `version`, `name`, `exact`, `up_ms`, `down_ms`, `again_ms`, `up_locks` and `down_locks` (lists of
`relation`, `mode`), `sampled` (whether locks may be missing), `differences`, `notes`, `failure`.
Evidence: the plan holds every version that is sealed, of which a copy takes those that are pending there; the
verification is null where a file failed."
);

pub(crate) const TEST: &str = help!(
    "\
Says where it took place, what was made for it and by what the tables were made, then how many proofs passed, or the
first that did not (exit code 1). With --mutate, in a table: each kind of protection, how many of it were taken away
and how many of these the tests noticed; a line for each whose absence they did not (exit code 1); and the score.",
    "\
Refuses (3): tests that are not there, or not what the structs say; run `cargo build`. Refuses (2): nowhere to make a
scratch database. Fails (4): a login that does not bypass row-level security; test with `--throw-away`. Where it is
interrupted (4) it says what was found until then.",
    "\
JSON lines, each with `at` and `event`:
  prepared   `place`: where, and why there
  tested     `passed` (how many proofs), `failure` (what the first said that did not pass)
  without    `kind`, `what`, `number`, `of`: the tests begin to run without a protection
  survived   `kind`, `what`: they did not notice that it was missing
  progress   `doing`, `seconds`: nothing else was told for --heartbeat seconds
  outcome    the common fields, `clean`, `place`, `prepared` (what was made for it), `made_by`, `passed`, `failure`,
             `mutants`, `score` (per cent of them that were noticed, rounded down; null without any), `leftovers`;
             or `error`
A mutant: `kind` (`policy`, `using`, `with check`, `enable`, `force`, `revoke`, `guard`, `function`), `what`, `noticed` (what the
tests said; null where they passed).
Evidence: the verification is the outcome's own fields."
);

pub(crate) const EXPLAIN: &str = help!(
    "\
Says, for a code: the code and its level (error, warning, lint), one line, and the page: what happens, why, what was
seen, how to mend it, how to allow it. Without a code, a line for each: the code, the level, the summary.",
    "Refuses (2): a code that no rule has, with the nearest that one has.",
    "JSON: `rules` (a list of `code`, `level`, `summary`); for a code `code`, `level`, `summary`, `page`."
);

pub(crate) const PLAN: &str = help!(
    "\
Says, for each migration that is pending:
  VERSION NAME: N statements[, outside a transaction][, begun][, approved by NAME | , not approved]
      KIND: OBJECT            what applying it does: loses-data, widens-access, removes, restricts,
                              narrows-access, rewrites, locks, scans
and, where it is so:
  migration V was begun at TIME and has not finished …; run `cargo tabellion apply` to finish it
  migration V was applied by the Supabase CLI and is not in the ledger; …
  hand/NAME.sql is not sealed, so nothing applies it; …
  target NAME guards this database: a target that asks for no approvals changes nothing here
  a rollback that was begun and has not finished, and what keeps ledger and lock from being one history (exit code 1)",
    "\
JSON: `approval` (whether the target asks for it), `pending` (migrations, with --sql also their `sql`), `begun`
(rows), `elsewhere` (a list of `version`, `name`: applied by the Supabase CLI alone), `guard` (the last row of the
target that guards the database, or null), `unsealed` (names of pairs below `hand/`), `problems`."
);

pub(crate) const APPROVE: &str = help!(
    "\
Says:
  approved VERSION NAME on TARGET by LOGIN for NAME
  nothing to approve",
    "\
Refuses (2): a version that the lock does not hold; an approval without someone who gives it. Refuses (3): a
database that another target guards.",
    "JSON: `entries` (rows)."
);

pub(crate) const APPLY: &str = help!(
    "\
Says:
  applied VERSION NAME in N ms
  would apply VERSION NAME        with --dry-run
  nothing to apply
  waiting for another process: WHO (on standard error)",
    "\
Refuses, before anything runs: a history that does not fit; a sealed file that was changed; a file that cannot run;
a missing approval, with the command to write; a database that another target guards. A statement that fails is named by file, line and SQLSTATE; its
file is rolled back, the files before it stay applied, and the ledger keeps one row that says so.",
    "\
JSON lines, each with `at` and `event`:
  waiting    `holder`: who holds the migration lock
  running    `run` (`apply`, `rollback`), `version`, `name`, `statements`: a file is sent;
             again where another process held the lock
  statement  `run`, `version`, `name`, `number`, `of`: of a file outside a transaction
  progress   `doing`, `seconds`: nothing else was told for --heartbeat seconds
  done       `entry` (row): it has committed
  outcome    the common fields, `dry_run`, `entries` (rows), with --dry-run `would_run` (versions); or `error`"
);

pub(crate) const ROLLBACK: &str = help!(
    "\
Says:
  rolled back VERSION NAME in N ms
  dropped the half-built index of VERSION NAME in N ms
  nothing to roll back
  waiting for another process: WHO (on standard error)",
    "\
Refuses, before anything runs: what loses data or opens access and was not accepted, with the flag to write; a
missing approval; a database that another target guards; a history that does not fit; a file of several statements
that an apply has begun and alone can finish.",
    "\
JSON lines, each with `at` and `event`:
  waiting, running, statement, progress, done    as those of apply
  outcome    the common fields, `entries` (rows); or `error`"
);

pub(crate) const STATUS: &str = help!(
    "\
Says, in a table: version, name, state (pending, begun, applied), when it was applied and by whom, how long it
took, and who approved it where anyone did; how many are applied and pending; and, where it is so, what was begun
and has not finished, what the Supabase CLI has applied, which pairs below `hand/` are not sealed, which target guards
the database, and what keeps ledger and lock from being one history.",
    "\
JSON: `migrations`, `pending` (how many), `begun` (rows), `elsewhere` (a list of `version`, `name`), `guard` (the last
row of the target that guards the database, or null), `unsealed` (names of pairs below `hand/`), `problems`."
);

pub(crate) const VERIFY: &str = help!(
    "\
Says:
  the database holds what was sealed: N objects compared, no difference
or a line for each finding (exit code 1): an object that is missing, not expected, or different, with what was
expected and what was found; a migration that is not applied; a role that does not exist, or may do more than
grants and policies give; a setting of a role or the database that every session begins with and policies read; a
view that reads a table past its policies; who may create objects in `public`; what keeps ledger and lock from being
one history, or the ledger from being a proof. Then, where it is so and no finding:
  note: role NAME may enter rows in the ledger, each under the name of its login",
    "Functions that are `security definer` are not looked at: nothing tells what they read.",
    "\
JSON: `clean`, `compared` (objects), `pending`, `problems`, `notes`, `missing_roles`, `findings` (a list of `kind`, `schema`,
`relation`, `name`, `change` (`missing`, `unexpected`, `differs`), `expected`, `found`, `message`)."
);

pub(crate) const ADOPT: &str = help!(
    "\
Says:
  adopted VERSION NAME on TARGET by LOGIN for NAME
  nothing to adopt
or where the database differs (exit code 1; nothing is entered then).",
    "\
Refuses: a history that does not fit; a migration that was begun and has not finished; a version of which nothing
tells whether its work is there; migrations written by hand that no --hand-written names; a database that another
target guards.",
    "JSON: `entries` (rows), `verification` (as that of verify, or null)."
);

pub(crate) const REPAIR: &str = help!(
    "\
Says: entered as applied VERSION NAME …, or entered as not applied VERSION NAME …",
    "\
Refuses (2): a version that neither lock nor ledger knows; a state that the ledger tells already; a repair without
someone who answers for it, and why. Refuses (3): a database that another target guards.",
    "JSON: `entries` (rows)."
);

pub(crate) const CLAIM: &str = help!(
    "Says: claimed the database on TARGET by LOGIN for NAME.",
    "Refuses (2): a database that no other target guards; a claim without someone who answers for it, and why.",
    "JSON: `entries` (rows)."
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Outcome;

    #[test]
    fn the_help_lists_every_code() {
        let all = [
            Outcome::Done,
            Outcome::Finding,
            Outcome::Usage,
            Outcome::Refused,
            Outcome::Failed,
            Outcome::Held,
        ];
        for (index, outcome) in all.into_iter().enumerate() {
            assert_eq!(index, usize::from(outcome.code()));
            assert!(MAIN.contains(&format!("\n  {index}  ")), "{outcome:?}");
            let word = serde_json::to_value(outcome).unwrap();
            assert!(
                MAIN.contains(&format!("`{}`", word.as_str().unwrap())),
                "{outcome:?}"
            );
        }
    }
}
