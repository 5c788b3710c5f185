//! Connection strings made from a parsed configuration.

use std::fmt::Write as _;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use super::Error;

/// Reads `DATABASE_URL`'s text, in either of the two forms that libpq takes.
pub(super) fn parse(text: &str) -> Result<Config, Error> {
    // The parser's own error may quote what stands near a mistake, and that may be the password.
    let mut config: Config = text.parse().map_err(|_| Error::Url)?;
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        return Err(Error::Url);
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(Duration::from_secs(10));
    }
    Ok(config)
}

/// A `postgresql://` URL for another database, and possibly another login, of the same server.
pub(super) fn render(config: &Config, login: Option<(&str, &str)>, database: &str) -> String {
    let mut url = String::from("postgresql://");
    let (user, password) = match login {
        Some((user, password)) => (Some(user.as_bytes()), Some(password.as_bytes())),
        None => (config.get_user().map(str::as_bytes), config.get_password()),
    };
    if let Some(user) = user {
        encode(&mut url, user);
        if let Some(password) = password {
            url.push(':');
            encode(&mut url, password);
        }
        url.push('@');
    }
    hosts(&mut url, config);
    url.push('/');
    encode(&mut url, database.as_bytes());

    let mut separator = '?';
    let mut parameter = |name: &str, value: &str| {
        let _ = write!(url, "{separator}{name}=");
        encode(&mut url, value.as_bytes());
        separator = '&';
    };
    if let Some(options) = config.get_options() {
        parameter("options", options);
    }
    match config.get_ssl_mode() {
        SslMode::Disable => parameter("sslmode", "disable"),
        SslMode::Require => parameter("sslmode", "require"),
        // `prefer` is the default of every driver.
        _ => {}
    }
    url
}

fn hosts(url: &mut String, config: &Config) {
    let mut names: Vec<String> = config.get_hosts().iter().map(host).collect();
    if names.is_empty() {
        let addresses = config.get_hostaddrs().iter();
        names = addresses.map(|a| host(&Host::Tcp(a.to_string()))).collect();
    }
    let ports = config.get_ports();
    for (at, name) in names.iter().enumerate() {
        if at > 0 {
            url.push(',');
        }
        url.push_str(name);
        // One port counts for every host, none means the default.
        if let Some(port) = ports.get(at).or(ports.first()) {
            let _ = write!(url, ":{port}");
        }
    }
}

fn host(host: &Host) -> String {
    let mut text = String::new();
    match host {
        Host::Tcp(name) if name.contains(':') => text = format!("[{name}]"),
        Host::Tcp(name) => encode(&mut text, name.as_bytes()),
        #[cfg(unix)]
        Host::Unix(folder) => {
            let bytes = std::os::unix::ffi::OsStrExt::as_bytes(folder.as_os_str());
            encode(&mut text, bytes);
        }
    }
    text
}

/// Percent-encodes everything but RFC 3986's unreserved characters.
fn encode(url: &mut String, bytes: &[u8]) {
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            url.push(char::from(byte));
        } else {
            let _ = write!(url, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a driver reads from the rendered URL is what was put in.
    #[test]
    fn a_rendered_url_reads_back() {
        for text in [
            "postgresql://me:p%40ss%2Fword@db.example:6432/app?sslmode=require",
            "host=/var/run/postgresql user=me dbname=app",
            "host=a,b port=1,2 user='two words' password='x y' options='-c search_path=a'",
            "host=::1 user=me",
            "hostaddr=127.0.0.1 host=name user=me",
            "host=a,b port=5555 user=me",
        ] {
            let from = parse(text).unwrap();
            let to = parse(&render(&from, None, "näme/1")).unwrap();
            assert_eq!(to.get_dbname(), Some("näme/1"), "{text}");
            assert_eq!(to.get_user(), from.get_user(), "{text}");
            assert_eq!(to.get_password(), from.get_password(), "{text}");
            assert_eq!(to.get_hosts(), from.get_hosts(), "{text}");
            assert_eq!(to.get_options(), from.get_options(), "{text}");
            assert_eq!(to.get_ssl_mode(), from.get_ssl_mode(), "{text}");
            let first = |config: &Config| config.get_ports().first().copied().unwrap_or(5432);
            assert_eq!(first(&to), first(&from), "{text}");
        }
    }

    #[test]
    fn an_address_without_a_name_stands_as_the_host() {
        let from = parse("hostaddr=127.0.0.1,::1 port=1,2 user=me").unwrap();
        assert_eq!(
            render(&from, None, "d"),
            "postgresql://me@127.0.0.1:1,[::1]:2/d"
        );
    }

    #[test]
    fn another_login_replaces_both_halves() {
        let from = parse("postgresql://root:secret@localhost/app").unwrap();
        let url = render(&from, Some(("app user", "a:b@c")), "d");
        assert_eq!(url, "postgresql://app%20user:a%3Ab%40c@localhost:5432/d");
    }

    #[test]
    fn a_wrong_url_is_refused_without_its_text() {
        for text in ["postgresql://u:hunter2@h:port/d", "hunter2", "user=hunter2"] {
            let error = parse(text).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"));
        }
    }
}
