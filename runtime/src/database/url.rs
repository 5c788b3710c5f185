//! The connection string, read once.

use std::path::PathBuf;
use std::str::FromStr;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use crate::Error;

/// Where to connect, as whom, and how far the server is trusted.
#[derive(Clone)]
pub(crate) struct Target {
    /// What the driver's startup needs; holds the password.
    pub(crate) config: Config,
    /// The authorities that may vouch for the server; none means those that browsers trust.
    pub(crate) root_certificates: Option<PathBuf>,
    /// Whether a pooler is in between that gives each transaction another session; none where the URL does not say.
    pub(crate) pooled: Option<bool>,
}

const POOLER: &str = "`pooler` is neither `transaction` nor `session`";
const SHAPE: &str = "it is not of the form `postgres://user:password@host:port/database?option=value`; \
     percent-encode `@`, `:`, `/` and `?` in user and password";
const CLIENT_CERTIFICATE: &str = "`sslcert` and `sslkey` are not supported; use a password login";
const NO_HOST: &str = "it names no host; write `postgres://user:password@host:port/database`";
const HOST_COUNT: &str =
    "the numbers of hosts, of their addresses and of ports differ; give one of each per host";
const ALLOW: &str = "`sslmode=allow` is not supported; use `prefer`, or better `verify-full`";

impl FromStr for Target {
    type Err = Error;

    /// Reads a URL or libpq's `key=value` form. No part of the text reaches an error, since any part
    /// may be a password that was not percent-encoded.
    fn from_str(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        let (rest, ours) = split_off_options(text)?;
        let mut config: Config = rest.parse().map_err(|_| Error::Url(SHAPE))?;
        if ours.verify {
            config.ssl_mode(SslMode::Require);
        }
        check_hosts(&config)?;
        if config.get_application_name().is_none() {
            config.application_name("tabellion");
        }
        Ok(Target {
            config,
            root_certificates: ours.root_certificates,
            pooled: ours.pooled,
        })
    }
}

/// The options that the driver does not know: libpq's, and ours.
#[derive(Default)]
struct Ours {
    root_certificates: Option<PathBuf>,
    verify: bool,
    pooled: Option<bool>,
}

/// Takes `pooler`, `sslrootcert` and the verifying values of `sslmode` out of a URL's query.
fn split_off_options(text: &str) -> Result<(String, Ours), Error> {
    let mut ours = Ours::default();
    let is_url = text.starts_with("postgres://") || text.starts_with("postgresql://");
    if !is_url && !text.contains('=') {
        return Err(Error::Url(SHAPE));
    }
    // A `?` before the `@` is part of a password.
    let search_from = text.find('@').unwrap_or(0);
    let Some(at) = text[search_from..].find('?').filter(|_| is_url) else {
        return Ok((text.to_owned(), ours));
    };
    let (base, query) = text.split_at(search_from + at);
    let mut kept = Vec::new();
    for pair in query[1..].split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("sslmode", "verify-ca" | "verify-full")) => ours.verify = true,
            Some(("sslmode", "allow")) => return Err(Error::Url(ALLOW)),
            // The value that stands for "the authorities that everybody trusts".
            Some(("sslrootcert", "system")) => ours.verify = true,
            Some(("sslrootcert", path)) => {
                ours.root_certificates = Some(percent_decoded(path)?.into());
            }
            Some(("pooler", "transaction")) => ours.pooled = Some(true),
            Some(("pooler", "session")) => ours.pooled = Some(false),
            Some(("pooler", _)) => return Err(Error::Url(POOLER)),
            Some(("sslcert" | "sslkey", _)) => return Err(Error::Url(CLIENT_CERTIFICATE)),
            _ => kept.push(pair),
        }
    }
    Ok((format!("{base}?{}", kept.join("&")), ours))
}

fn percent_decoded(text: &str) -> Result<String, Error> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        match (digit(rest.next()), digit(rest.next())) {
            (Some(high), Some(low)) => bytes.push((high * 16 + low) as u8),
            _ => return Err(Error::Url(SHAPE)),
        }
    }
    String::from_utf8(bytes).map_err(|_| Error::Url(SHAPE))
}

fn check_hosts(config: &Config) -> Result<(), Error> {
    let hosts = config.get_hosts();
    let addresses = config.get_hostaddrs().len();
    let ports = config.get_ports().len();
    let count = hosts.len().max(addresses);
    if count == 0 {
        return Err(Error::Url(NO_HOST));
    }
    if (!hosts.is_empty() && addresses != 0 && hosts.len() != addresses)
        || (ports > 1 && ports != count)
    {
        return Err(Error::Url(HOST_COUNT));
    }
    for host in hosts {
        // What follows an `@` that was not encoded is the tail of a password: never to be shown.
        if let Host::Tcp(name) = host
            && (name.is_empty() || name.contains(['@', ':', ' ']) && !name.contains("::"))
        {
            return Err(Error::Url(SHAPE));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(text: &str) -> Target {
        text.parse()
            .unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn the_verifying_modes_are_understood() {
        let target =
            target("postgres://ana@db.example/shop?sslmode=verify-full&sslrootcert=%2Fca.pem");
        assert_eq!(target.config.get_ssl_mode(), SslMode::Require);
        assert_eq!(target.root_certificates, Some(PathBuf::from("/ca.pem")));
    }

    #[test]
    fn the_drivers_own_options_still_reach_it() {
        let target = target("postgresql://ana@db/shop?sslmode=disable&application_name=till");
        assert_eq!(target.config.get_ssl_mode(), SslMode::Disable);
        assert_eq!(target.config.get_application_name(), Some("till"));
    }

    #[test]
    fn no_part_of_a_bad_url_is_repeated() {
        for text in [
            "postgres://ana:s3cret@t4il@db/shop",
            "postgres://ana:s3cret@/shop",
            "postgres://ana:s3cret@db:port/shop",
            "postgres://ana:s3cret@db/shop?s3cret=1",
            "postgres://ana:s3cret@db/shop?sslcert=s3cret",
            "postgres://ana:s3cret@db:1,db:2,db/shop?hostaddr=10.0.0.1",
            "s3cret",
            "host=db password=s3cret s3cret",
            "",
        ] {
            let Err(error) = text.parse::<Target>() else {
                panic!("`{text}` was taken for a URL");
            };
            assert!(matches!(error, Error::Url(_)), "{error:?}");
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{error}");
            assert!(!format!("{error} {error:?}").contains("t4il"), "{error}");
        }
    }
}
