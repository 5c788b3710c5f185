//! The names that may not stand in raw SQL inside a scope, and why.
//!
//! PostgreSQL's own, and those of extensions that many install. No list of them is complete: an extension may run any
//! text in any of its functions, and so may a function of the database's own. Those are for whoever grants their use
//! to judge.

use crate::file::token_length;

/// A reason, and the functions that have it.
type Functions = (&'static str, &'static [&'static str]);

const FUNCTIONS: [Functions; 9] = [
    (SETTING, &["set_config"]),
    (
        TEXT,
        &[
            "query_to_xml",
            "query_to_xmlschema",
            "query_to_xml_and_xmlschema",
            "ts_stat",
            "ts_rewrite",
            // xml2
            "xpath_table",
            // pg_graphql
            "graphql",
            // pgTAP
            "throws_ok",
            "throws_like",
            "throws_ilike",
            "throws_matching",
            "throws_imatching",
            "lives_ok",
            "performs_ok",
            "performs_within",
            "results_eq",
            "results_ne",
            "runtests",
            // index_advisor
            "index_advisor",
        ],
    ),
    (LOGIN, &["dblink"]),
    (
        LOCK,
        &[
            "pg_advisory_lock",
            "pg_advisory_lock_shared",
            "pg_try_advisory_lock",
            "pg_try_advisory_lock_shared",
            "pg_advisory_unlock",
            "pg_advisory_unlock_shared",
            "pg_advisory_unlock_all",
        ],
    ),
    (
        SESSION,
        &[
            "lastval",
            "currval",
            // pg_trgm
            "set_limit",
            // plv8
            "plv8_reset",
            "pg_create_logical_replication_slot",
            "pg_create_physical_replication_slot",
        ],
    ),
    (SEED, &["setseed"]),
    (LARGE, &["loread", "lowrite"]),
    (LATER, &["schedule_in_database", "unschedule", "alter_job"]),
    (AWAY, &["http"]),
];

/// How the names of functions begin, and why none of them may stand there.
const FAMILIES: [(&str, &str); 9] = [
    ("dblink_", LOGIN),
    ("lo_", LARGE),
    // tablefunc
    ("crosstab", TEXT),
    ("connectby", TEXT),
    // pgRouting
    ("pgr_", TEXT),
    // Citus
    ("run_command_on_", TEXT),
    ("pg_background_", LATER),
    // http, pg_net
    ("http_", AWAY),
    ("hypopg_", SESSION),
];

/// Relations that may not be named.
const RELATIONS: [(&str, &str); 1] = [
    // An UPDATE of this view is SET.
    ("pg_settings", SETTING),
];

/// Schemas of extensions, of which nothing may be named.
const SCHEMAS: [(&str, &str); 4] = [
    ("cron", LATER),
    ("graphql", TEXT),
    ("graphql_public", TEXT),
    ("dbms_sql", TEXT),
];

const SETTING: &str =
    "could change the scope's own settings; give the value to the scope, or bind it as a parameter";
const TEXT: &str = "runs a text that nobody has looked at; write the statement itself";
const LOGIN: &str = "runs SQL as another login; ask that database through a `Database` of its own";
const LOCK: &str = "outlives the transaction; use the function with `xact` in its name";
const SESSION: &str = "reads or leaves what outlives the transaction, which another scope then has; \
                       return what was written by `returning`";
const SEED: &str = "outlives the transaction, so that another scope's numbers can be foretold; draw them in the program";
const LARGE: &str = "is of large objects, which no policy filters; keep the bytes in a column";
const LATER: &str = "runs a text later or elsewhere, outside of the scope; do it from the program";
const AWAY: &str =
    "reaches another server, which no scope and no rollback does; do it from the program";

/// Why a name may not stand in front of that. One that is a table's has its columns behind it, and is no call.
pub(super) fn refused(name: &str, rest: &str, is_table: bool) -> Option<&'static str> {
    let known = |names: &[(&'static str, &'static str)]| {
        let found = names.iter().find(|(refused, _)| *refused == name);
        found.map(|(_, why)| *why)
    };
    if let Some(why) = known(&RELATIONS) {
        return Some(why);
    }
    match first(rest) {
        "(" if is_table => None,
        "(" => {
            let function = FUNCTIONS.iter().find(|(_, names)| names.contains(&name));
            let family = || FAMILIES.iter().find(|(start, _)| name.starts_with(start));
            function
                .map(|(why, _)| *why)
                .or_else(|| family().map(|(_, why)| *why))
        }
        "." => known(&SCHEMAS),
        _ => None,
    }
}

/// The first token that is no blank.
fn first(sql: &str) -> &str {
    let mut at = 0;
    while let Some((len, is_blank)) = token_length(sql, at).filter(|_| at < sql.len()) {
        if !is_blank {
            return &sql[at..at + len];
        }
        at += len;
    }
    ""
}
