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

impl Ours {
    /// Whether an option is one of them, which it then counts as.
    fn take(&mut self, key: &str, value: &str) -> Result<bool, Error> {
        match (key, value) {
            ("sslmode", "verify-ca" | "verify-full") => self.verify = true,
            ("sslmode", "allow") => return Err(Error::Url(ALLOW)),
            // The value that stands for "the authorities that everybody trusts".
            ("sslrootcert", "system") => self.verify = true,
            ("sslrootcert", path) => self.root_certificates = Some(path.into()),
            ("pooler", "transaction") => self.pooled = Some(true),
            ("pooler", "session") => self.pooled = Some(false),
            ("pooler", _) => return Err(Error::Url(POOLER)),
            ("sslcert" | "sslkey", _) => return Err(Error::Url(CLIENT_CERTIFICATE)),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// Takes `pooler`, `sslrootcert` and the verifying values of `sslmode` out of either form.
fn split_off_options(text: &str) -> Result<(String, Ours), Error> {
    let mut ours = Ours::default();
    let mut kept = Vec::new();
    if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
        let mut rest = text;
        while !rest.is_empty() {
            let (pair, key, value) = first_pair(rest).ok_or(Error::Url(SHAPE))?;
            if !ours.take(key, &value)? {
                kept.push(pair);
            }
            rest = rest[pair.len()..].trim_start();
        }
        return Ok((kept.join(" "), ours));
    }
    // A `?` before the `@` is part of a password.
    let search_from = text.find('@').unwrap_or(0);
    let Some(at) = text[search_from..].find('?') else {
        return Ok((text.to_owned(), ours));
    };
    let (base, query) = text.split_at(search_from + at);
    for pair in query[1..].split('&').filter(|pair| !pair.is_empty()) {
        let is_ours = match pair.split_once('=') {
            Some(("sslrootcert", path)) => ours.take("sslrootcert", &percent_decoded(path)?)?,
            Some((key, value)) => ours.take(key, value)?,
            None => false,
        };
        if !is_ours {
            kept.push(pair);
        }
    }
    Ok((format!("{base}?{}", kept.join("&")), ours))
}

/// The first pair of libpq's form as it is written, its key, and its value without quotes and escapes
/// (<https://www.postgresql.org/docs/15/libpq-connect.html#id-1.7.3.8.3.5>).
fn first_pair(text: &str) -> Option<(&str, &str, String)> {
    let (key, behind) = text.split_once('=')?;
    let behind = behind.trim_start();
    let (begin, is_quoted) = match behind.strip_prefix('\'') {
        Some(quoted) => (quoted, true),
        None => (behind, false),
    };
    let mut value = String::new();
    let mut chars = begin.char_indices();
    let rest = loop {
        match chars.next() {
            Some((at, '\'')) if is_quoted => break &begin[at + 1..],
            Some((at, it)) if !is_quoted && it.is_whitespace() => break &begin[at..],
            Some((_, '\\')) => value.extend(chars.next().map(|(_, escaped)| escaped)),
            Some((_, it)) => value.push(it),
            None if is_quoted => return None,
            None => break "",
        }
    };
    // Behind a key that is none the driver would read nothing more, and tell nobody.
    let key = key.trim();
    let is_key = !key.is_empty() && !key.contains(char::is_whitespace);
    is_key.then(|| (&text[..text.len() - rest.len()], key, value))
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
            && (name.is_empty()
                || name.contains(['@', ' ', '=', ';', '&', '?'])
                || name.contains(':') && !name.contains("::"))
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
    fn both_forms_know_the_same_options() {
        let text = r"host=db.example user=ana password='a \'pooler=session' pooler = transaction
            sslmode=verify-full sslrootcert='/my ca.pem' application_name=till";
        let target = target(text);
        assert_eq!(target.pooled, Some(true));
        assert_eq!(target.config.get_ssl_mode(), SslMode::Require);
        assert_eq!(target.root_certificates, Some(PathBuf::from("/my ca.pem")));
        assert_eq!(target.config.get_application_name(), Some("till"));
        let password: &[u8] = b"a 'pooler=session";
        assert_eq!(target.config.get_password(), Some(password));
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
            "host=db password='s3cret",
            "host=db pooler=s3cret",
            "host=db sslkey=s3cret",
            "host=db;password=s3cret;user=ana",
            "host=db,password=s3cret",
            "host=dbpassword=s3cret user=ana",
            "host=db&password=s3cret",
            "host=db =s3cret sslmode=require",
            "host=db password=s3cret = t4il sslmode=require",
            "host=db s3cret user=ana",
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
