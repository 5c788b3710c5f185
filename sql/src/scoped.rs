//! What raw SQL inside a scope may be.
//!
//! A scope is a role and settings that end with the transaction. A statement could take them off: by
//! changing a setting, by ending the transaction, by running a text that nobody has looked at. Others could
//! outlive them: a table made from what the scope sees, a lock of the session. So a statement is one of the
//! kinds that read and write rows, and certain names do not stand in it.
//!
//! It is read by its tokens, as the server's lexer reads them whatever `standard_conforming_strings` says: where that
//! makes a difference it is refused. Which names are known is said in `names`; what a function of the database's own, or
//! of an extension that is not known, does cannot be told from its name.

mod names;

use std::fmt;

use crate::file::token_length;

/// The words that a statement may begin with. TRUNCATE is not one: no policy filters it. Nor is CALL: a procedure
/// may commit.
const COMMANDS: [&str; 8] = [
    "select", "with", "values", "table", "insert", "update", "delete", "merge",
];

/// Why a statement is not run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// There is no statement in it.
    Empty,
    /// It begins with none of the words that a statement inside a scope may begin with.
    Command(String),
    /// Behind a semicolon comes another statement.
    Several,
    /// A name, in lower case, and why it may not stand there.
    Name(String, &'static str),
    /// `select … into` makes a table, which outlives the scope.
    Into,
    /// A name is written with escapes.
    Escaped,
    /// A text in plain quotes holds a backslash.
    Backslash,
    /// A text, a name or a comment does not end.
    Unended,
    /// It holds a NUL character, which no statement can.
    Nul,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Empty => f.write_str("it holds no statement; write one"),
            Refusal::Command(word) => write!(
                f,
                "it begins with `{word}`, which is none of `{}`; what is no reading or writing of rows belongs in a \
                 migration, and a transaction is begun by `transaction`",
                COMMANDS.join("`, `")
            ),
            Refusal::Several => {
                f.write_str("it holds several statements; run each by itself, in a `transaction`")
            }
            Refusal::Name(name, why) => write!(f, "`{name}` {why}"),
            Refusal::Into => f.write_str(
                "`select ... into` makes a table that outlives the scope; insert into a table that a migration made",
            ),
            Refusal::Escaped => {
                f.write_str("a name is written with `U&` and cannot be judged; write it plainly")
            }
            Refusal::Backslash => f.write_str(
                "a text in it holds a backslash, which with `standard_conforming_strings` off begins an escape; bind the \
                 text as a parameter, or write it as `E'...'` with each backslash doubled",
            ),
            Refusal::Unended => {
                f.write_str("a text, a quoted name or a comment in it does not end; close it")
            }
            Refusal::Nul => {
                f.write_str("it holds a NUL character, which PostgreSQL does not read; remove it")
            }
        }
    }
}

impl std::error::Error for Refusal {}

/// Whether a statement may run inside a scope.
///
/// # Errors
/// The first [`Refusal`].
pub fn check(sql: &str) -> Result<(), Refusal> {
    if sql.contains('\0') {
        return Err(Refusal::Nul);
    }
    let mut reading = Reading::default();
    let mut at = 0;
    while at < sql.len() {
        let (len, is_blank) = token_length(sql, at).ok_or(Refusal::Unended)?;
        let token = &sql[at..at + len];
        at += len;
        match is_blank {
            true => reading.is_joined = false,
            false => reading.token(token, &sql[at..])?,
        }
    }
    if reading.has_begun {
        Ok(())
    } else {
        Err(Refusal::Empty)
    }
}

/// What has been read of a statement.
#[derive(Default)]
struct Reading {
    /// How many tokens.
    count: usize,
    /// The last one, in lower case, and that no blank stands behind it.
    last: String,
    is_joined: bool,
    has_begun: bool,
    has_ended: bool,
    /// It is the name of a table, behind INTO, or a part of one.
    is_table: bool,
    /// The verb of the statement, then of what stands in each parenthesis that is open: the first token that could be
    /// one, by its number.
    verbs: Vec<Option<usize>>,
}

impl Reading {
    fn token(&mut self, token: &str, rest: &str) -> Result<(), Refusal> {
        let word = token.to_ascii_lowercase();
        if self.has_ended && token != ";" {
            return Err(Refusal::Several);
        }
        let goes_on = token == "." || self.last == ".";
        self.is_table = self.last == "into" || (self.is_table && goes_on);
        if token == ";" {
            self.has_ended = self.has_begun;
        } else if !self.has_begun && token != "(" {
            if !COMMANDS.contains(&word.as_str()) {
                return Err(Refusal::Command(word));
            }
            self.has_begun = true;
        } else if self.has_begun {
            self.judge(token, &word, rest)?;
        }
        self.count += 1;
        match token {
            "(" => self.verbs.push(None),
            ")" => drop(self.verbs.pop()),
            _ => {}
        }
        if self.verbs.is_empty() {
            self.verbs.push(None);
        }
        if let Some(verb @ None) = self.verbs.last_mut()
            && word != "with"
            && COMMANDS.contains(&word.as_str())
        {
            *verb = Some(self.count);
        }
        self.last = word;
        self.is_joined = true;
        Ok(())
    }

    /// A token behind the first one, and what comes after it.
    fn judge(&self, token: &str, word: &str, rest: &str) -> Result<(), Refusal> {
        if self.last == "u" && self.is_joined && token == "&" && rest.starts_with('"') {
            return Err(Refusal::Escaped);
        }
        // What begins with E is read the same way by every server.
        if token.starts_with('\'') && token.contains('\\') {
            return Err(Refusal::Backslash);
        }
        // An `insert` that is no verb is a name, as in `select 1 insert into mine`.
        let is_behind_verb = self.verbs.last() == Some(&Some(self.count));
        let inserts = is_behind_verb && (self.last == "insert" || self.last == "merge");
        if word == "into" && !inserts {
            return Err(Refusal::Into);
        }
        let name = match token.strip_prefix('"') {
            // Unquoted names are folded to lower case, quoted ones are not.
            Some(quoted) => quoted.strip_suffix('"').unwrap_or(quoted),
            None => word,
        };
        match names::refused(name, rest, self.is_table) {
            Some(why) => Err(Refusal::Name(name.to_owned(), why)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name_in(sql: &str) -> Option<String> {
        match check(sql) {
            Err(Refusal::Name(name, _)) => Some(name),
            _ => None,
        }
    }

    #[test]
    fn reading_and_writing_rows_is_what_runs() {
        for sql in [
            "select 1",
            " -- which\n/* all /* of */ them */ SELECT * from tasks;",
            "((select 1) union all (select 2)) ;; ",
            "with gone as (delete from tasks returning id) insert into old (id) select id from gone",
            "with a as (insert into old values (1) returning id) select * from a",
            "with a as (with b as (select 1) insert into old table b returning id) select * from a",
            "insert into old values (1)",
            "insert into http_requests (id, url) values ($1, $2)",
            "insert into public . lo_entries(id) values (1) on conflict (id) do nothing",
            "values (1), (2)",
            "table tasks",
            "update tasks set done = true where id = $1",
            "merge into tasks using new on new.id = tasks.id when not matched then insert values (1)",
            "delete from tasks",
            // Texts, comments and quoted names are no words of the statement.
            "select 'set_config', $$; set_config('a', 'b')$$, $a$ into $a$, E'\\'; set_config(', \"into\"",
            "select 1 /* set_config( */ -- set_config(\n",
            "select u & \"mask\" from tasks, xu",
        ] {
            assert_eq!(check(sql), Ok(()), "{sql}");
        }
    }

    #[test]
    fn what_changes_the_scope_or_ends_its_transaction_is_refused() {
        for word in [
            "set",
            "reset",
            "begin",
            "start",
            "commit",
            "end",
            "rollback",
            "abort",
            "savepoint",
            "release",
            "copy",
            "do",
            "call",
            "truncate",
            "execute",
            "prepare",
            "deallocate",
            "discard",
            "declare",
            "fetch",
            "explain",
            "create",
            "grant",
            "lock",
            "load",
            "listen",
            "security",
        ] {
            let refused = Err(Refusal::Command(word.to_owned()));
            assert_eq!(check(&format!("{word} x")), refused);
            assert_eq!(
                check(&format!("/* select */ {} x", word.to_uppercase())),
                refused
            );
        }
    }

    #[test]
    fn a_name_is_found_however_it_is_written() {
        for sql in [
            "select set_config('app.shop', 'other', true)",
            "select pg_catalog.SET_CONFIG ('app.shop', 'other', true)",
            "select \"pg_catalog\".\"set_config\"('app.shop', 'other', true)",
            "with x as materialized (select set_config/**/('a', 'b', false)) select * from tasks, x",
            "select 'it''s', set_config('a', 'b', true)",
            "select E'\\\\', set_config('a', 'b', true)",
            "select $$a$$, set_config('a', 'b', true), $$b$$",
            "select a$b$, set_config('a', 'b', true), a$b$",
            "select $1, set_config('a', 'b', true)",
        ] {
            assert_eq!(name_in(sql).as_deref(), Some("set_config"), "{sql}");
        }
        let through_the_view = "update pg_settings set setting = 'other' where name = 'app.shop'";
        assert_eq!(name_in(through_the_view).as_deref(), Some("pg_settings"));
        // Another function, which is the database's own matter.
        assert_eq!(check("select \"SET_CONFIG\"()"), Ok(()));
        let escaped = "select U&\"set\\005fconfig\"('a', 'b', true)";
        assert_eq!(check(escaped), Err(Refusal::Escaped));
    }

    #[test]
    fn a_text_that_settings_read_in_two_ways_is_refused() {
        // With `standard_conforming_strings` off the text goes on behind the first quote.
        for sql in [
            "select '\\' , ' || set_config($$app.current_shop$$, $$other$$, true) --'",
            "select 'a' \n '\\', ', set_config($$a$$, $$b$$, true) --'",
            "select U&'\\', ', set_config($$a$$, $$b$$, true) --'",
            "select n'\\d'",
            "select 1 where 'a' like '\\_'",
        ] {
            assert_eq!(check(sql), Err(Refusal::Backslash), "{sql}");
        }
        for sql in [
            "select E'\\\\d', e'\\'', $$\\$$, $a$\\$a$, \"\\\" from tasks",
            "select 1 /* '\\' */ -- '\\",
        ] {
            assert_eq!(check(sql), Ok(()), "{sql}");
        }
    }

    #[test]
    fn what_runs_a_text_or_outlives_the_scope_is_refused() {
        for (sql, name) in [
            (
                "select * from crosstab('reset role') as t(a int)",
                "crosstab",
            ),
            ("select * from crosstab3 ('reset role')", "crosstab3"),
            (
                "select * from crosstab_hash('a', 'b', 1, 2)",
                "crosstab_hash",
            ),
            ("select * from connectby('a', 'b')", "connectby"),
            (
                "select * from xpath_table('a', 'b', 'c', 'd', 'e')",
                "xpath_table",
            ),
            (
                "select \"extensions\".\"dblink_fetch\"('a', 1)",
                "dblink_fetch",
            ),
            ("select lo_from_bytea(0, $1)", "lo_from_bytea"),
            ("select loread(lo_open(1, 2), 3)", "loread"),
            ("select setseed(0.5)", "setseed"),
            ("select pg_catalog.lastval ()", "lastval"),
            ("select set_limit(0.9)", "set_limit"),
            ("insert into mine select lo_get(1)", "lo_get"),
            ("insert into cron.job (schedule) values ('')", "cron"),
            ("select currval('tasks_id_seq')", "currval"),
            (
                "select cron.schedule('a', '* * * * *', 'reset role')",
                "cron",
            ),
            ("insert into \"cron\" . \"job\" values (1)", "cron"),
            (
                "select schedule_in_database('a', 'b', 'c', 'd')",
                "schedule_in_database",
            ),
            ("select graphql.resolve('mutation')", "graphql"),
            (
                "select pg_background_launch('reset role')",
                "pg_background_launch",
            ),
            ("select net.http_post('a')", "http_post"),
            ("select lives_ok('reset role')", "lives_ok"),
        ] {
            assert_eq!(name_in(sql).as_deref(), Some(name), "{sql}");
        }
        // The same words as names of tables and columns.
        for sql in [
            "select lastval, lo_water, http_status from cron where graphql = 1",
            "select crosstab.a from crosstab",
            "select nextval('a'), pg_advisory_xact_lock(1), pg_notify('a', 'b')",
        ] {
            assert_eq!(check(sql), Ok(()), "{sql}");
        }
    }

    #[test]
    fn a_second_statement_is_refused_and_so_is_none() {
        assert_eq!(check("select 1; reset role"), Err(Refusal::Several));
        assert_eq!(check("select 1; -- and\nselect 2"), Err(Refusal::Several));
        assert_eq!(check(""), Err(Refusal::Empty));
        assert_eq!(check(" -- select 1"), Err(Refusal::Empty));
        assert_eq!(check(" ; ("), Err(Refusal::Empty));
        assert_eq!(check("select 'a"), Err(Refusal::Unended));
        assert_eq!(check("select 1 /* a"), Err(Refusal::Unended));
    }

    #[test]
    fn a_table_made_of_rows_is_refused() {
        for sql in [
            "select * into temp mine from tasks",
            "select 1 INTO mine",
            "with insert as (select 1) select * into mine from tasks",
            // Here `insert` is what the column is called.
            "select 1 insert into mine from tasks",
            "select (1) insert into mine from tasks",
            "with insert as (select 1) select 1 insert into mine",
        ] {
            assert_eq!(check(sql), Err(Refusal::Into), "{sql}");
        }
    }
}
