//! Addresses and networks of crates that know nothing of PostgreSQL: each is read and sent as a type of
//! ours that stands for it.

use std::error::Error as StdError;

use bytes::BytesMut;
use postgres_protocol::types::{Inet, inet_from_sql, inet_to_sql};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use super::{ColumnType, Element, KnownField, Param, Sent, class};
use crate::{Error, Row};

/// A foreign type as an `inet` column's.
trait AsInet: Copy + std::fmt::Debug + Send + Sync + 'static {
    /// Reads it, if it can hold that address and prefix.
    fn read(inet: &Inet) -> Option<Self>;

    /// The address and the length of the prefix.
    fn parts(self) -> (std::net::IpAddr, u8);
}

/// Stands for `$ty`, and bears its name, which an error tells.
macro_rules! stands_for {
    ($(#[$meta:meta])* $name:ident: $ty:ty) => {
        $(#[$meta])*
        #[derive(Debug)]
        pub struct $name($ty);

        impl<'a> FromSql<'a> for $name {
            fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn StdError + Send + Sync>> {
                let inet = inet_from_sql(raw)?;
                let read = <$ty as AsInet>::read(&inet);
                read.map($name).ok_or_else(|| "it is another kind of address".into())
            }

            fn accepts(ty: &Type) -> bool {
                *ty == Type::INET
            }
        }

        impl ToSql for $name {
            fn to_sql(
                &self,
                _: &Type,
                out: &mut BytesMut,
            ) -> Result<IsNull, Box<dyn StdError + Send + Sync>> {
                let (address, prefix) = self.0.parts();
                inet_to_sql(address, prefix, out);
                Ok(IsNull::No)
            }

            fn accepts(ty: &Type) -> bool {
                *ty == Type::INET
            }

            to_sql_checked!();
        }

        impl ColumnType for $ty {
            const NAME: &'static str = "inet";
            const ARRAY: &'static str = "_inet";
            type Class = class::Inet;
        }

        #[diagnostic::do_not_recommend]
        impl Param for $ty {
            fn into_sql(self) -> Box<dyn ToSql + Send + Sync> {
                Box::new($name(self))
            }
        }

        #[diagnostic::do_not_recommend]
        impl Element for $ty {
            type Read = $name;

            fn from_read(read: $name) -> Self {
                read.0
            }

            fn array(values: Vec<Self>) -> Box<dyn ToSql + Send + Sync> {
                Box::new(values.into_iter().map($name).collect::<Vec<_>>())
            }
        }

        #[diagnostic::do_not_recommend]
        impl KnownField<class::Inet> for $ty {
            type It = Self;

            fn get(row: &Row<'_>, index: usize) -> Result<Self, Error> {
                row.get::<$name>(index).map(|read| read.0)
            }

            fn get_optional(row: &Row<'_>, index: usize) -> Result<Option<Self>, Error> {
                let read = row.get::<Option<$name>>(index)?;
                Ok(read.map(|read| read.0))
            }

            fn sent(self) -> Sent {
                Sent::new(self)
            }

            fn sent_optional(it: Option<Self>) -> Sent {
                Sent::new(it)
            }
        }
    };
}

/// How many bits the prefix of an address alone has.
fn whole(address: std::net::IpAddr) -> u8 {
    match address {
        std::net::IpAddr::V4(_) => 32,
        std::net::IpAddr::V6(_) => 128,
    }
}

impl AsInet for std::net::IpAddr {
    fn read(inet: &Inet) -> Option<Self> {
        // `10.1.0.0/16` would lose its prefix.
        (inet.netmask() == whole(inet.addr())).then(|| inet.addr())
    }

    fn parts(self) -> (std::net::IpAddr, u8) {
        (self, whole(self))
    }
}

stands_for!(
    /// An address without a network.
    IpAddr: std::net::IpAddr
);

#[cfg(feature = "ipnet")]
impl AsInet for ipnet::IpNet {
    fn read(inet: &Inet) -> Option<Self> {
        ipnet::IpNet::new(inet.addr(), inet.netmask()).ok()
    }

    fn parts(self) -> (std::net::IpAddr, u8) {
        (self.addr(), self.prefix_len())
    }
}

#[cfg(feature = "ipnet")]
stands_for!(
    /// An address and its network.
    IpNet: ipnet::IpNet
);
