//! The address of a network device.

use std::error::Error as StdError;
use std::fmt;
use std::str::FromStr;

use bytes::BytesMut;
use postgres_protocol::types::{macaddr_from_sql, macaddr_to_sql};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

/// A `macaddr` column. Displays as `08:00:2b:01:02:03`, and is read from that or with hyphens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MacAddr(pub [u8; 6]);

/// A text that is no MAC address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a MAC address; write six pairs of hexadecimal digits, as in `08:00:2b:01:02:03`")]
pub struct NotMacAddr;

impl fmt::Display for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl FromStr for MacAddr {
    type Err = NotMacAddr;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let separator = if text.contains('-') { '-' } else { ':' };
        let mut pairs = text.split(separator);
        let mut bytes = [0; 6];
        for byte in &mut bytes {
            let pair = pairs.next().ok_or(NotMacAddr)?;
            // Parsing alone would accept a sign.
            if pair.len() != 2 || !pair.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return Err(NotMacAddr);
            }
            *byte = u8::from_str_radix(pair, 16).map_err(|_| NotMacAddr)?;
        }
        match pairs.next() {
            None => Ok(MacAddr(bytes)),
            Some(_) => Err(NotMacAddr),
        }
    }
}

impl<'a> FromSql<'a> for MacAddr {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn StdError + Send + Sync>> {
        macaddr_from_sql(raw).map(MacAddr)
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::MACADDR
    }
}

impl ToSql for MacAddr {
    fn to_sql(
        &self,
        _: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn StdError + Send + Sync>> {
        macaddr_to_sql(self.0, out);
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::MACADDR
    }

    to_sql_checked!();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_survives_its_own_text() {
        let address = MacAddr([0x08, 0, 0x2b, 1, 0xfe, 3]);
        assert_eq!(address.to_string(), "08:00:2b:01:fe:03");
        assert_eq!("08:00:2b:01:fe:03".parse(), Ok(address));
        assert_eq!("08-00-2B-01-FE-03".parse(), Ok(address));
        for text in [
            "",
            "08:00:2b:01:fe",
            "08:00:2b:01:fe:03:04",
            "8:0:2b:1:fe:3",
            "08:00:2b:01:fe:+3",
            "08:00-2b:01:fe:03",
        ] {
            assert_eq!(text.parse::<MacAddr>(), Err(NotMacAddr), "{text}");
        }
    }
}
