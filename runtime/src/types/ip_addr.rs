//! An address without a network.

use std::error::Error as StdError;
use std::net;

use postgres_protocol::types::inet_from_sql;
use tokio_postgres::types::{FromSql, Type};

use super::{KnownField, Sent, class};
use crate::{Error, Row};

/// The address of an `inet` that holds an address alone: `10.1.0.0/16` is refused instead of losing its
/// prefix.
#[derive(Debug)]
struct IpAddr(net::IpAddr);

impl<'a> FromSql<'a> for IpAddr {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn StdError + Send + Sync>> {
        let inet = inet_from_sql(raw)?;
        let whole = match inet.addr() {
            net::IpAddr::V4(_) => 32,
            net::IpAddr::V6(_) => 128,
        };
        if inet.netmask() != whole {
            return Err("it is a network".into());
        }
        Ok(IpAddr(inet.addr()))
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::INET
    }
}

#[diagnostic::do_not_recommend]
impl KnownField<class::Inet> for net::IpAddr {
    type It = Self;

    fn get(row: &Row<'_>, index: usize) -> Result<Self, Error> {
        row.get::<IpAddr>(index).map(|address| address.0)
    }

    fn get_optional(row: &Row<'_>, index: usize) -> Result<Option<Self>, Error> {
        let address = row.get::<Option<IpAddr>>(index)?;
        Ok(address.map(|address| address.0))
    }

    fn sent(self) -> Sent {
        Sent::new(self)
    }

    fn sent_optional(it: Option<Self>) -> Sent {
        Sent::new(it)
    }
}
