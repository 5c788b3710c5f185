//! The options that speak of the database, and what they can hold wrong.

use tabellion_sql::ident::MAX_BYTES;
use tabellion_sql::schema::Extension;

use crate::{Emitter, Error};

impl Emitter {
    /// Has a migration install this extension where it is missing. No rollback ever drops it, since
    /// other objects than the crate's may need it.
    pub fn extension(mut self, name: impl Into<String>) -> Self {
        self.extensions.insert(name.into(), Extension::default());
        self
    }

    /// The same, into that PostgreSQL schema, which is created where it is missing and never dropped
    /// either; the roles of the scopes may use it.
    ///
    /// Types and operator classes of the extension are written with the schema, so that files run
    /// whatever the login's search path. Operators and functions in expressions have no such form: a
    /// file in a transaction puts the schema behind the search path for itself, but what runs alone, an
    /// index built concurrently over an expression or with a predicate, and the application's own
    /// queries find them on the login's search path or not at all. Without it `=` on a `citext` compares
    /// as text, silently. Supabase has `extensions` on it; elsewhere say
    /// `alter database NAME set search_path = "$user", public, extensions`, and let nobody but the
    /// schema's owner create anything in it.
    ///
    /// Where the extension is installed already when it is first declared, it stays where it is: name that
    /// schema. One that is declared in another schema later is moved there, and its rollback moves it back; where
    /// none was named before it may have lain there already, so that the rollback leaves it. Moving it needs its
    /// owner, unless it lies there already. The schema that it leaves stays, and so does that of one which is no
    /// longer declared; the roles lose the use of it. One that was there before the first migration is for
    /// [`external_schema`](Self::external_schema) to name as well: nothing takes the use of that back.
    pub fn extension_in(mut self, name: impl Into<String>, schema: impl Into<String>) -> Self {
        let schema = Some(schema.into());
        self.extensions.insert(name.into(), Extension { schema });
        self
    }

    /// A PostgreSQL schema of someone else, in which tables of this crate lie: no migration creates it,
    /// no rollback drops it. The roles are granted its use as anywhere, but nothing takes that back from
    /// them: its owner may have granted it too. Needed for a schema that exists before the first
    /// migration does; `public` is such a one always.
    pub fn external_schema(mut self, name: impl Into<String>) -> Self {
        self.external_schemas.insert(name.into());
        self
    }

    /// How long a migration waits for a lock before it gives up, as PostgreSQL reads it; `5s` unless set.
    pub fn lock_timeout(mut self, time: impl Into<String>) -> Self {
        self.settings.lock_timeout = time.into();
        self
    }

    /// How long one statement of a migration may take, as PostgreSQL reads it; `5min` unless set.
    pub fn statement_timeout(mut self, time: impl Into<String>) -> Self {
        self.settings.statement_timeout = time.into();
        self
    }

    /// What the options hold wrong.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let homes = self.extensions.values();
        let homes = homes.filter_map(|extension| extension.schema.as_ref());
        let schemas = homes.chain(&self.external_schemas);
        let schemas = schemas.map(|name| ("a schema", name));
        let extensions = self.extensions.keys().map(|name| ("an extension", name));
        for (what, name) in schemas.chain(extensions) {
            if name.is_empty() || name.len() > MAX_BYTES || name.contains(char::is_control) {
                return Err(Error::new(format!(
                    "`{}` is not the name of {what}; write it as PostgreSQL has it",
                    name.escape_debug()
                )));
            }
        }
        for (option, time) in [
            ("lock_timeout", &self.settings.lock_timeout),
            ("statement_timeout", &self.settings.statement_timeout),
        ] {
            if !is_time(time) {
                return Err(Error::new(format!(
                    "`{option}` is `{}`, which is no time to PostgreSQL; write a number and its unit, as in \
                     `5s`",
                    time.escape_debug()
                )));
            }
        }
        Ok(())
    }
}

/// A whole number of milliseconds, or of a unit that follows.
/// Source: <https://www.postgresql.org/docs/15/config-setting.html>, "Numeric with Unit".
fn is_time(text: &str) -> bool {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let digits = &text[..text.len() - unit.len()];
    digits.parse::<i32>().is_ok() && matches!(unit, "" | "us" | "ms" | "s" | "min" | "h" | "d")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_that_postgresql_would_refuse_is_an_error() {
        let wrong = |emitter: Emitter| emitter.check().map_err(|error| error.to_string());
        assert_eq!(
            wrong(
                Emitter::new()
                    .extension_in("vector", "extensions")
                    .lock_timeout("250ms")
                    .statement_timeout("0")
            ),
            Ok(())
        );
        assert_eq!(
            wrong(Emitter::new().lock_timeout("5 seconds")).unwrap_err(),
            "`lock_timeout` is `5 seconds`, which is no time to PostgreSQL; write a number and its unit, as in \
             `5s`"
        );
        for emitter in [
            Emitter::new().statement_timeout("s"),
            Emitter::new().statement_timeout("5s'; drop table x; --"),
            Emitter::new().extension(""),
            Emitter::new().extension_in("vector", "a\nb"),
            Emitter::new().external_schema(""),
        ] {
            assert!(wrong(emitter.clone()).is_err(), "{emitter:?}");
        }
    }
}
