//! The database that the engine works on: its name, and what is asked there.

use tokio_postgres::config::Host;

use crate::database;

/// A database that migrations are applied to.
///
/// The default is one without a name, reached directly, that asks for no approval.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Target {
    /// Its name, as the ledger keeps it.
    pub name: Option<String>,
    /// Whether every migration needs an approval before it is applied or rolled back. Once it has entered
    /// anything, the database takes nothing from a target that asks for none; see
    /// [`Migrator::claim`](super::Migrator::claim).
    pub approval: bool,
    /// What stands between the engine and the server.
    pub pooler: Pooler,
}

/// What stands between the engine and the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Pooler {
    /// Nothing.
    #[default]
    Direct,
    /// A pooler that gives a client one session until it leaves.
    Session,
    /// A pooler that gives a client a session for a transaction. It needs two sessions at once for a file
    /// outside a transaction: one holds the migration lock, one runs the statements.
    Transaction,
}

impl Pooler {
    /// Whether a setting of the session may reach another client.
    pub(super) fn shares_sessions(self) -> bool {
        self == Pooler::Transaction
    }
}

/// Whether two URLs lead to one database, as far as their texts tell: the same name of a database on a host
/// and port that both hold, whoever logs in. Names that resolve to one address are not looked up.
///
/// A URL that does not read is the same as its own text only.
pub fn same_database(one: &str, other: &str) -> bool {
    match (places(one), places(other)) {
        (Some(one), Some(other)) => one.iter().any(|place| other.contains(place)),
        _ => one.trim() == other.trim(),
    }
}

/// The database that a URL names; `None` where it does not read.
pub fn database_of(url: &str) -> Option<String> {
    let config = url.parse::<database::Target>().ok()?.config;
    let name = config.get_dbname().or(config.get_user())?;
    Some(name.to_owned())
}

/// Host, port and database of every host that a URL names.
fn places(url: &str) -> Option<Vec<(String, u16, String)>> {
    let config = url.parse::<database::Target>().ok()?.config;
    let name = database_of(url)?;
    let named = config.get_hosts().iter().map(|host| match host {
        Host::Tcp(name) => name.to_ascii_lowercase(),
        #[cfg(unix)]
        Host::Unix(folder) => folder.display().to_string(),
    });
    let addresses = config.get_hostaddrs().iter().map(ToString::to_string);
    let ports = config.get_ports();
    let port = |index: usize| ports.get(index).or(ports.first()).copied().unwrap_or(5432);
    let own = |host: String| match host.as_str() {
        "localhost" | "::1" | "[::1]" => "127.0.0.1".to_owned(),
        _ => host,
    };
    let places = named.enumerate().chain(addresses.enumerate());
    Some(
        places
            .map(|(index, host)| (own(host), port(index), name.clone()))
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_one_database_are_told_by_what_they_lead_to() {
        let url = "postgres://owner:secret@db.example.com/shop";
        for same in [
            " postgres://owner:secret@db.example.com/shop ",
            "postgresql://other:word@DB.example.com:5432/shop?connect_timeout=3",
            "postgres://owner@db.example.com/shop?sslmode=verify-full",
            "postgres://owner@standby.example.com,db.example.com/shop",
            "host=db.example.com user=owner dbname=shop",
        ] {
            assert!(same_database(url, same), "{same}");
        }
        for other in [
            "postgres://owner:secret@db.example.com/shop_test",
            "postgres://owner:secret@db.example.com:6432/shop",
            "postgres://owner:secret@test.example.com/shop",
            "nonsense",
        ] {
            assert!(!same_database(url, other), "{other}");
        }
        assert!(same_database(
            "postgres://a@localhost",
            "postgres://b@127.0.0.1/a"
        ));
        assert!(same_database("nonsense", "nonsense"));
        assert_eq!(database_of(url).as_deref(), Some("shop"));
        assert_eq!(database_of("host=a user=ana").as_deref(), Some("ana"));
        assert_eq!(database_of("postgres://a:b@c:d/e"), None);
    }
}
