//! The server that a scratch database is made on: what the login may do there, and the way to its other
//! databases.

use tabellion_sql::ident::quote_literal;
use tokio_postgres::Client;

use crate::migrate::connect;
use crate::migrate::connect::NO_PATH;
use crate::migrate::error::MigrateError;
use crate::migrate::verify::rows;

/// Databases from which a copy of another one can be made: a database is copied while nobody is in it.
const OTHERS: [&str; 2] = ["postgres", "template1"];

/// What there is to know of a server before a database is made there.
pub(super) struct Facts {
    pub(super) login: String,
    pub(super) database: String,
    pub(super) may_create: bool,
    pub(super) may_create_roles: bool,
    /// The options that make a database alike, but empty.
    pub(super) like: String,
}

impl Facts {
    pub(super) async fn read(client: &Client) -> Result<Self, MigrateError> {
        // The name of the column for ICU's locale changed in PostgreSQL 17.
        let query = "
            select current_user, d.datname, r.rolcreatedb or r.rolsuper, r.rolcreaterole or r.rolsuper,
              pg_catalog.pg_encoding_to_char(d.encoding), d.datcollate, d.datctype, d.datlocprovider,
              coalesce(pg_catalog.to_jsonb(d) ->> 'datlocale', pg_catalog.to_jsonb(d) ->> 'daticulocale')
            from pg_catalog.pg_database d, pg_catalog.pg_roles r
            where d.datname = pg_catalog.current_database() and r.rolname = current_user";
        let messages = client.simple_query(&format!("{NO_PATH}{query}")).await;
        let messages =
            messages.map_err(|error| MigrateError::server("looking at the server", &error))?;
        let row = rows(&messages).next();
        let text = |index| row.and_then(|row| row.get(index)).unwrap_or_default();
        let mut like = format!(
            "template template0 encoding {} lc_collate {} lc_ctype {}",
            quote_literal(text(4)),
            quote_literal(text(5)),
            quote_literal(text(6))
        );
        if text(7) == "i" {
            like.push_str(&format!(
                " locale_provider icu icu_locale {}",
                quote_literal(text(8))
            ));
        }
        Ok(Facts {
            login: text(0).to_owned(),
            database: text(1).to_owned(),
            may_create: text(2) == "t",
            may_create_roles: text(3) == "t",
            like,
        })
    }
}

/// A connection to another database of the same server.
pub(super) async fn elsewhere(url: &str, database: &str) -> Option<(Client, String)> {
    for other in OTHERS.into_iter().filter(|other| *other != database) {
        let url = with_database(url, other);
        if let Ok(client) = connect::connect(&url).await {
            return Some((client, url));
        }
    }
    None
}

/// The URL for another database of the same server: of an option that is given twice the last one counts,
/// in both forms of a connection string.
pub(super) fn with_database(url: &str, database: &str) -> String {
    let url = url.trim();
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        let escaped = database.replace('\\', "\\\\").replace('\'', "\\'");
        return format!("{url} dbname='{escaped}'");
    }
    // A `?` before the `@` is part of a password.
    let options = &url[url.find('@').unwrap_or(0)..];
    let separator = if options.contains('?') { '&' } else { '?' };
    format!("{url}{separator}dbname={database}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio_postgres::Config;

    #[test]
    fn another_database_of_the_same_server_is_named() {
        for url in [
            "postgres://ana:s%3Fcret@db.example:5433/shop",
            "postgresql://ana:s?cret@db.example:5433/shop?sslmode=require",
            "postgres://ana@db.example:5433?connect_timeout=5",
            "host=db.example port=5433 user=ana dbname=shop",
        ] {
            let config: Config = with_database(url, "tabellion_rehearsal_1").parse().unwrap();
            assert_eq!(config.get_dbname(), Some("tabellion_rehearsal_1"), "{url}");
            assert_eq!(config.get_user(), Some("ana"), "{url}");
            assert_eq!(config.get_ports(), [5433], "{url}");
        }
    }
}
