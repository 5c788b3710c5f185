//! `tabellion.toml`: the databases by name, and which variable of the environment holds the URL of each.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tabellion::migrate::Pooler;
use toml::Spanned;

use crate::fault::Fault;

/// The file's name.
pub(crate) const FILE: &str = "tabellion.toml";

/// What the file says.
#[derive(Debug, Default)]
pub(crate) struct Config {
    /// The folder of the lock, as the working folder sees it.
    pub(crate) root: Option<PathBuf>,
    /// The databases, by name.
    pub(crate) targets: BTreeMap<String, Named>,
}

/// A database of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) url_env: String,
    pub(crate) direct_url_env: Option<String>,
    pub(crate) approval: bool,
    pub(crate) pooler: Pooler,
}

impl Named {
    /// The variables that hold a URL of this database.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.url_env).chain(&self.direct_url_env)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    root: Option<String>,
    #[serde(default)]
    target: BTreeMap<String, RawTarget>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTarget {
    url_env: Spanned<String>,
    direct_url_env: Option<Spanned<String>>,
    #[serde(default)]
    approval: bool,
    pooler: Option<Spanned<String>>,
}

impl Config {
    /// The file in the first of these folders, or of those above it, that has one.
    ///
    /// # Errors
    /// Those of [`parse`](Self::parse), and a file that cannot be read.
    pub(crate) fn find(from: &[PathBuf]) -> Result<Config, Fault> {
        let here = std::env::current_dir().unwrap_or_default();
        for start in from {
            let start = fs::canonicalize(here.join(start)).unwrap_or_else(|_| here.join(start));
            for folder in start.ancestors() {
                let path = folder.join(FILE);
                match fs::read_to_string(&path) {
                    Ok(text) => {
                        let mut config = Config::parse(&text)?;
                        let folder = seen_from(&here, folder);
                        config.root = config.root.map(|root| folder.join(root));
                        return Ok(config);
                    }
                    Err(error) if error.kind() == ErrorKind::NotFound => {}
                    // A folder above that is not ours to look into.
                    Err(error)
                        if error.kind() == ErrorKind::PermissionDenied && folder != start => {}
                    Err(error) => {
                        return Err(Fault::Io(format!(
                            "`{}` cannot be read: {error}; see what it is",
                            path.display()
                        )));
                    }
                }
            }
        }
        Ok(Config::default())
    }

    /// Reads the file's text. What it holds as values never reaches an error: a URL may have strayed there.
    ///
    /// # Errors
    /// What is no TOML, a key that is unknown or missing, a value that does not fit; each with its line.
    fn parse(text: &str) -> Result<Config, Fault> {
        let raw: Raw = toml::from_str(text).map_err(|error| {
            let at = error.span().map(|span| line(text, span.start));
            wrong(at, &said(error.message()))
        })?;
        let mut targets: BTreeMap<String, Named> = BTreeMap::new();
        for (name, raw) in raw.target {
            if !is_word(&name, &['-', '.']) {
                return Err(wrong(
                    Some(line(text, raw.url_env.span().start)),
                    "the name of this target holds what a command line would have to quote; take letters, \
                     digits, `-`, `_` and `.`",
                ));
            }
            let pooler = match &raw.pooler {
                None => Pooler::Direct,
                Some(pooler) => pooler_of(pooler.get_ref()).ok_or_else(|| {
                    let message = format!(
                        "`pooler` of target `{name}` is none of `direct`, `session` and `transaction`; write one \
                         of them"
                    );
                    wrong(Some(line(text, pooler.span().start)), &message)
                })?,
            };
            let direct_url_env = raw.direct_url_env.as_ref();
            let named = Named {
                url_env: variable(text, &name, "url_env", &raw.url_env)?,
                direct_url_env: direct_url_env
                    .map(|direct| variable(text, &name, "direct_url_env", direct))
                    .transpose()?,
                approval: raw.approval,
                pooler,
            };
            let shared = targets.iter().find_map(|(other, had)| {
                let both = named
                    .variables()
                    .find(|own| had.variables().any(|v| v == *own));
                both.map(|variable| (other, variable))
            });
            if let Some((other, variable)) = shared {
                let message = format!(
                    "targets `{other}` and `{name}` both take their URL from `{variable}`; give each a variable \
                     of its own"
                );
                return Err(wrong(Some(line(text, raw.url_env.span().start)), &message));
            }
            targets.insert(name, named);
        }
        Ok(Config {
            root: raw.root.map(PathBuf::from),
            targets,
        })
    }

    /// The names, for an error.
    pub(crate) fn names(&self) -> String {
        let names: Vec<String> = self
            .targets
            .keys()
            .map(|name| format!("`{name}`"))
            .collect();
        names.join(", ")
    }
}

fn pooler_of(text: &str) -> Option<Pooler> {
    match text {
        "direct" => Some(Pooler::Direct),
        "session" => Some(Pooler::Session),
        "transaction" => Some(Pooler::Transaction),
        _ => None,
    }
}

/// The name of a variable, which must not be the URL itself.
fn variable(text: &str, name: &str, key: &str, value: &Spanned<String>) -> Result<String, Fault> {
    let given = value.get_ref();
    if is_word(given, &[]) {
        return Ok(given.clone());
    }
    let message = if given.contains("://") || given.contains(['@', '=']) {
        format!(
            "`{key}` of target `{name}` holds what looks like a URL, which never stands in a file; write the \
             name of the environment variable that holds it, and change the password if this file has been shared"
        )
    } else {
        format!(
            "`{key}` of target `{name}` is no name of an environment variable; take letters, digits and `_`, \
             such as `PRODUCTION_DATABASE_URL`"
        )
    };
    Err(wrong(Some(line(text, value.span().start)), &message))
}

/// Whether a text is a name that needs no quotes; `more` fits besides letters, digits and `_`.
pub(crate) fn is_word(text: &str, more: &[char]) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || more.contains(&c);
    !text.is_empty() && text.chars().all(fits)
}

/// The parser's message in the words of this program, without the values that it quotes.
fn said(message: &str) -> String {
    let first = message.lines().next().unwrap_or_default();
    let named = |prefix: &str| {
        let rest = first.strip_prefix(prefix)?;
        rest.split('`')
            .next()
            .filter(|key| is_word(key, &['-', '.']))
    };
    if let Some(key) = named("unknown field `") {
        let remedy = match key {
            "url" | "direct_url" | "password" => {
                "a URL never stands in a file; write `url_env` with the name of the environment variable that \
                 holds it"
            }
            "targets" => "write `[target.NAME]`",
            _ => {
                "it knows `root`, and in `[target.NAME]` `url_env`, `direct_url_env`, `approval` and `pooler`"
            }
        };
        return format!("the key `{key}` is unknown; {remedy}");
    }
    if let Some(key) = named("missing field `") {
        return format!(
            "a target lacks `{key}`; write the name of the environment variable that holds its URL"
        );
    }
    if first.starts_with("invalid type") {
        let expected = first
            .rsplit_once("expected ")
            .map_or("", |(_, expected)| expected);
        let write = match expected {
            "a boolean" => "`true` or `false`",
            "a string" => "a text in quotes",
            _ => "what the key takes",
        };
        return format!("the value does not fit; write {write}");
    }
    if first.starts_with("duplicate key") {
        return "the key stands there twice; take one out".into();
    }
    "this is no TOML; see its quotes, brackets and `=`".into()
}

fn wrong(line: Option<usize>, message: &str) -> Fault {
    let place = line.map(|line| format!(" line {line}")).unwrap_or_default();
    Fault::Usage(format!("`{FILE}`{place}: {message}"))
}

fn line(text: &str, byte: usize) -> usize {
    text.as_bytes()[..byte.min(text.len())]
        .iter()
        .filter(|&&byte| byte == b'\n')
        .count()
        + 1
}

/// A folder as short as the working folder can say it: itself and what is above it as `..`.
fn seen_from(here: &Path, folder: &Path) -> PathBuf {
    let here = fs::canonicalize(here).unwrap_or_else(|_| here.to_owned());
    match here.strip_prefix(folder) {
        Ok(below) => below.components().map(|_| "..").collect(),
        Err(_) => folder.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_says_everything() {
        let text = "root = \"schema\"\n\n[target.production]\nurl_env = \"PROD\"\ndirect_url_env = \"DIRECT\"\n\
                    approval = true\npooler = \"transaction\"\n\n[target.staging]\nurl_env = \"STAGING\"\n";
        let config = Config::parse(text).unwrap();
        assert_eq!(config.root, Some("schema".into()));
        let production = &config.targets["production"];
        assert!(production.approval && production.pooler == Pooler::Transaction);
        assert_eq!(
            production.variables().collect::<Vec<_>>(),
            ["PROD", "DIRECT"]
        );
        let staging = &config.targets["staging"];
        assert!(!staging.approval && staging.pooler == Pooler::Direct);
    }

    #[test]
    fn what_is_wrong_is_told_by_line_and_without_values() {
        let cases = [
            ("root = 3", 1, "write a text in quotes"),
            ("x = \"s3cret\"", 1, "the key `x` is unknown"),
            (
                "\n[target.a]\nurl = \"postgres://s3cret\"",
                3,
                "the key `url` is unknown; a URL never",
            ),
            (
                "[target.a]\nurl_env = \"postgres://a:s3cret@b/c\"",
                2,
                "looks like a URL",
            ),
            (
                "[target.a]\nurl_env = \"host=a password=s3cret\"",
                2,
                "looks like a URL",
            ),
            (
                "[target.a]\nurl_env = \"s3cret-word\"",
                2,
                "is no name of an environment variable",
            ),
            (
                "[target.a]\nurl_env = \"A\"\napproval = \"s3cret\"",
                3,
                "write `true` or `false`",
            ),
            (
                "[target.a]\nurl_env = \"A\"\npooler = \"s3cret\"",
                3,
                "none of `direct`",
            ),
            ("[target.a]\napproval = true", 1, "a target lacks `url_env`"),
            (
                "[target.a]\nurl_env = \"A\"\n[target.b]\nurl_env = \"A\"",
                4,
                "both take their URL from `A`",
            ),
            (
                "[target.\"a b\"]\nurl_env = \"A\"",
                2,
                "the name of this target",
            ),
            (
                "[target.a]\nurl_env = \"A\"\nurl_env = \"s3cret\"",
                3,
                "twice",
            ),
            ("[target.a]\nurl_env = s3cret", 2, "no TOML"),
            (
                "[target.a]\nurl_env = { s3cret = 1 }",
                2,
                "write a text in quotes",
            ),
        ];
        for (text, line, part) in cases {
            let error = Config::parse(text).unwrap_err().to_string();
            let place = format!("`tabellion.toml` line {line}: ");
            assert!(
                error.starts_with(&place) && error.contains(part),
                "{text}\n{error}"
            );
            assert!(!error.contains("s3cret"), "{error}");
        }
    }
}
