//! Which database a command is for, and its URL, which comes from the environment and goes nowhere else.

use std::collections::BTreeMap;

use tabellion::migrate::{
    MigrateError, Migrator, Pooler, Problems, Target, database_of, same_database,
};

use crate::args;
use crate::config::{Config, FILE, Named, is_word};
use crate::fault::Fault;

/// The variable of a database that no file names.
pub(crate) const USUAL: &str = "DATABASE_URL";

/// A database, and how to reach it.
pub(crate) struct Place {
    pub(crate) target: Target,
    url: String,
    direct_url: Option<String>,
}

impl Place {
    /// The database that the command line names: by a target, by a variable, or the only one there is.
    ///
    /// A variable that leads where a target of the file leads is that target. What their texts do not tell, such as
    /// a server with two names, the ledger does: the engine refuses a target that asks for no approvals where one
    /// that does has written.
    ///
    /// # Errors
    /// A target that the file does not hold, several to choose from, a variable without a URL.
    pub(crate) fn find(
        config: &Config,
        target: Option<&str>,
        url_env: Option<&str>,
    ) -> Result<Place, Fault> {
        if let Some(name) = target {
            return Place::named(config, name);
        }
        let variable = match url_env {
            Some(variable) => variable,
            None => match config.targets.len() {
                0 => USUAL,
                1 => {
                    let only = config.targets.keys().next().map_or("", String::as_str);
                    return Place::named(config, only);
                }
                _ => {
                    return Err(Fault::Usage(format!(
                        "`{FILE}` names several targets; choose one of {} with `--target`",
                        config.names()
                    )));
                }
            },
        };
        let holds = |named: &Named| named.variables().any(|own| own == variable);
        if let Some((name, _)) = config.targets.iter().find(|(_, named)| holds(named)) {
            return Place::named(config, name);
        }
        let url = url(variable, "--url-env VARIABLE")?;
        // Where several lead there, the one that asks for approvals.
        let same = config
            .targets
            .iter()
            .filter(|(_, named)| leads(named, &url))
            .max_by_key(|(_, named)| named.approval);
        Ok(match same {
            Some((name, named)) => Place {
                direct_url: named.direct_url_env.as_deref().and_then(given),
                ..Place::of(name, named, url)
            },
            None => Place::unnamed(url),
        })
    }

    /// The database on whose server a rehearsal takes place; `None` where nothing names one.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    pub(crate) fn for_rehearsal(
        config: &Config,
        on_copy_of: Option<&str>,
        target: &args::Target,
    ) -> Result<Option<Place>, Fault> {
        if let Some(name) = on_copy_of {
            return Place::named(config, name)?.rehearsable().map(Some);
        }
        let args::Target { target, url_env } = target;
        let is_silent = target.is_none() && url_env.is_none();
        if is_silent && config.targets.is_empty() && given(USUAL).is_none() {
            return Ok(None);
        }
        let place = Place::find(config, target.as_deref(), url_env.as_deref())?;
        place.rehearsable().map(Some)
    }

    /// Refuses a server on which nothing may run unapproved: what a file written by hand does to the server,
    /// such as to a role, no scratch database keeps in.
    fn rehearsable(self) -> Result<Place, Fault> {
        match &self.target {
            Target {
                name: Some(name),
                approval: true,
                ..
            } => Err(MigrateError::Unapproved(Problems(vec![format!(
                "target `{name}` asks for approvals, and a rehearsal would run files on its server that nobody \
                 has approved; rehearse on another target, or with `--throw-away`"
            )]))
            .into()),
            _ => Ok(self),
        }
    }

    /// The databases that a reseal asks what is applied: those named, as `NAME` of the file or
    /// `NAME=VARIABLE`; without one those of the file, or the usual one.
    ///
    /// # Errors
    /// As [`find`](Self::find); nothing that names a database.
    pub(crate) fn all(
        config: &Config,
        named: &[(String, Option<String>)],
    ) -> Result<BTreeMap<String, Place>, Fault> {
        let mut places = BTreeMap::new();
        for (name, variable) in named {
            let place = match variable {
                None => Place::named(config, name)?,
                Some(variable) => Place::unnamed(url(variable, "--target NAME=VARIABLE")?),
            };
            places.insert(name.clone(), place);
        }
        if !named.is_empty() {
            return Ok(places);
        }
        for name in config.targets.keys() {
            places.insert(name.clone(), Place::named(config, name)?);
        }
        if places.is_empty() {
            if given(USUAL).is_none() {
                return Err(Fault::Usage(format!(
                    "nothing says which databases may have applied what the branches sealed; name them with \
                     `--target NAME` from `{FILE}` or with `--target NAME=VARIABLE`, or say `--applied-nowhere`"
                )));
            }
            places.insert(USUAL.into(), Place::find(config, None, None)?);
        }
        Ok(places)
    }

    /// A target of the file.
    fn named(config: &Config, name: &str) -> Result<Place, Fault> {
        let Some(named) = config.targets.get(name) else {
            if !is_word(name, &['-', '.']) {
                return Err(Fault::Usage(format!(
                    "what `--target` was given is no name of a target; write one that `{FILE}` holds, never a URL"
                )));
            }
            let there = match config.targets.len() {
                0 => format!("write it into `{FILE}`, or name a variable with `--url-env`"),
                _ => format!("it names {}", config.names()),
            };
            return Err(Fault::Usage(format!(
                "`{FILE}` names no target `{name}`; {there}"
            )));
        };
        let remedy = "--target NAME";
        let own = url(&named.url_env, remedy)?;
        let direct = named.direct_url_env.as_deref();
        let direct = direct.map(|variable| url(variable, remedy)).transpose()?;
        let twin = config
            .targets
            .iter()
            .find(|(other, twin)| *other != name && twin.approval && leads(twin, &own));
        if let Some((twin, _)) = twin {
            return Err(Fault::Usage(format!(
                "targets `{name}` and `{twin}` lead to the same database, and `{twin}` asks for approvals; see \
                 what their variables hold, or say `--target {twin}`"
            )));
        }
        Ok(Place {
            direct_url: direct,
            ..Place::of(name, named, own)
        })
    }

    fn of(name: &str, named: &Named, url: String) -> Place {
        Place {
            target: Target {
                name: Some(name.to_owned()),
                approval: named.approval,
                pooler: named.pooler,
            },
            ..Place::unnamed(url)
        }
    }

    fn unnamed(url: String) -> Place {
        Place {
            target: Target::default(),
            url,
            direct_url: None,
        }
    }

    /// The name of the database, for a copy of it.
    ///
    /// # Errors
    /// A URL that does not read.
    pub(crate) fn database(&self) -> Result<String, Fault> {
        database_of(&self.url).ok_or_else(|| {
            Fault::Usage(
                "the URL of the database to copy does not read; write \
                 `postgres://user:password@host:5432/database`, with `%40` for an `@` in the password"
                    .into(),
            )
        })
    }

    /// What stands before its server, on the way that [`into_url`](Self::into_url) takes.
    pub(crate) fn pooler(&self) -> Pooler {
        match self.direct_url {
            Some(_) => Pooler::Direct,
            None => self.target.pooler,
        }
    }

    /// The URL past the pooler where there is one.
    pub(crate) fn into_url(self) -> String {
        self.direct_url.unwrap_or(self.url)
    }

    /// Connects.
    pub(crate) async fn connect(&self) -> Result<Migrator, Fault> {
        let engine = Migrator::connect(&self.url).await?;
        let engine = engine.target(self.target.clone());
        Ok(match &self.direct_url {
            Some(url) => engine.direct_url(url),
            None => engine,
        })
    }
}

/// Whether a URL leads to a target's database.
fn leads(named: &Named, url: &str) -> bool {
    let mut urls = named.variables().filter_map(|variable| given(variable));
    urls.any(|own| same_database(&own, url))
}

/// What a variable holds.
fn given(variable: &str) -> Option<String> {
    let value = std::env::var(variable).ok()?;
    Some(value).filter(|url| !url.trim().is_empty())
}

/// The URL that a variable holds; `flag` names another.
fn url(variable: &str, flag: &str) -> Result<String, Fault> {
    if !is_word(variable, &[]) {
        // It may be the URL itself, which is not to be shown.
        return Err(Fault::Usage(format!(
            "what `{flag}` was given is no name of a variable; write the name of the environment variable that \
             holds the URL, never the URL"
        )));
    }
    given(variable).ok_or_else(|| {
        Fault::Usage(format!(
            "the environment variable `{variable}` holds no URL; set it to \
             `postgres://user:password@host:5432/database`, or name another with `{flag}`"
        ))
    })
}
