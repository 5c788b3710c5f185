//! The `cfg` facts of this compilation, and what a predicate is worth under them.
//!
//! Cargo compiles one target in several ways: plainly, as a test, for rustdoc. A predicate is
//! therefore worth a set of [`Worlds`], so that one walk tells what is in the build from what is
//! only ever in a test.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{BitAnd, BitOr, Not};

use syn::ext::IdentExt as _;
use syn::parse::ParseStream;
use syn::{Ident, LitBool, LitStr, Token, token};

/// A set of the ways in which cargo compiles one target from the same sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Worlds(u8);

impl Worlds {
    /// Never compiled.
    pub(crate) const NONE: Worlds = Worlds(0);
    /// `cargo build`: neither a test nor documentation.
    pub(crate) const BUILD: Worlds = Worlds(1);
    /// `cargo test`, under `cfg(test)`.
    pub(crate) const TEST: Worlds = Worlds(2);
    /// `cargo doc` and the collection of doctests, under `cfg(doc)`.
    pub(crate) const DOC: Worlds = Worlds(4);
    /// Always compiled.
    pub(crate) const ALL: Worlds = Worlds(7);

    /// Whether no world is in the set.
    pub(crate) fn is_empty(self) -> bool {
        self == Worlds::NONE
    }

    /// Whether the two sets share a world.
    pub(crate) fn meets(self, other: Worlds) -> bool {
        !(self & other).is_empty()
    }

    /// The set's worlds one by one, the build first.
    pub(crate) fn each(self) -> impl Iterator<Item = Worlds> {
        [Worlds::BUILD, Worlds::TEST, Worlds::DOC]
            .into_iter()
            .filter(move |world| self.meets(*world))
    }
}

impl From<bool> for Worlds {
    fn from(always: bool) -> Worlds {
        if always { Worlds::ALL } else { Worlds::NONE }
    }
}

impl BitAnd for Worlds {
    type Output = Worlds;
    fn bitand(self, other: Worlds) -> Worlds {
        Worlds(self.0 & other.0)
    }
}

impl BitOr for Worlds {
    type Output = Worlds;
    fn bitor(self, other: Worlds) -> Worlds {
        Worlds(self.0 | other.0)
    }
}

impl Not for Worlds {
    type Output = Worlds;
    fn not(self) -> Worlds {
        Worlds(!self.0 & Worlds::ALL.0)
    }
}

/// What `--cfg` holds when cargo compiles the package whose build script this is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cfg {
    names: BTreeSet<String>,
    values: BTreeMap<String, BTreeSet<String>>,
}

impl Cfg {
    /// Reads the facts from the environment of a build script.
    ///
    /// Two things are beyond it: a `cargo::rustc-cfg` that the build script itself prints (say it
    /// with [`Cfg::set`]), and `panic`, which cargo reports without regard to the profile.
    pub(crate) fn from_env() -> Cfg {
        // `vars` would panic on a variable that is not Unicode.
        Cfg::from_vars(
            std::env::vars_os().filter_map(|(key, value)| {
                Some((key.into_string().ok()?, value.into_string().ok()?))
            }),
        )
    }

    /// The same from any environment.
    ///
    /// `CARGO_CFG_FEATURE` names features as the manifest spells them, which `CARGO_FEATURE_*`
    /// does not. See "Environment variables Cargo sets for build scripts" in the Cargo book.
    pub(crate) fn from_vars(vars: impl IntoIterator<Item = (String, String)>) -> Cfg {
        let mut cfg = Cfg::default();
        for (key, value) in vars {
            if key == "CARGO_ENCODED_RUSTFLAGS" {
                cfg.read_flags(value.split('\u{1f}'));
            } else if let Some(name) = key.strip_prefix("CARGO_CFG_") {
                let name = name.to_ascii_lowercase();
                if name == "feature" && value.is_empty() {
                    continue;
                }
                for value in value.split(',') {
                    cfg.set(&name, Some(value));
                }
                // A bare name looks like a name with an empty value; only `target_abi` and the
                // like, which are never bare, are known to be the latter.
                if value.is_empty() && !name.starts_with("target_") {
                    cfg.set(&name, None);
                }
            }
        }
        cfg
    }

    /// Adds `name`, or `name = "value"`.
    pub(crate) fn set(&mut self, name: &str, value: Option<&str>) {
        match value {
            None => drop(self.names.insert(name.to_owned())),
            Some(value) => {
                let values = self.values.entry(name.to_owned()).or_default();
                values.insert(value.to_owned());
            }
        }
    }

    /// Reads `--cfg` from compiler flags: cargo's own variables fold a name to one case and cut a
    /// value at its commas.
    fn read_flags<'a>(&mut self, mut flags: impl Iterator<Item = &'a str>) {
        while let Some(flag) = flags.next() {
            let spec = match flag {
                "--cfg" => flags.next(),
                _ => flag.strip_prefix("--cfg="),
            };
            let Some(spec) = spec else { continue };
            match spec.split_once('=') {
                None => self.set(spec.trim(), None),
                Some((name, value)) => {
                    if let Ok(value) = syn::parse_str::<LitStr>(value.trim()) {
                        self.set(name.trim(), Some(&value.value()));
                    }
                }
            }
        }
    }

    /// Parses one predicate, what stands between the parentheses of `cfg(...)`, and says in which
    /// worlds it holds. A name that was never set is false, as to rustc.
    ///
    /// # Errors
    /// What rustc refuses too: an unknown function, a value that is no string.
    pub(crate) fn predicate(&self, input: ParseStream<'_>) -> syn::Result<Worlds> {
        if input.peek(LitBool) {
            return Ok(input.parse::<LitBool>()?.value.into());
        }
        let ident = input.call(Ident::parse_any)?;
        let name = ident.unraw().to_string();
        if input.peek(token::Paren) {
            let inner;
            syn::parenthesized!(inner in input);
            let mut inner_worlds = Vec::new();
            while !inner.is_empty() {
                inner_worlds.push(self.predicate(&inner)?);
                if !inner.is_empty() {
                    inner.parse::<Token![,]>()?;
                }
            }
            return match (name.as_str(), inner_worlds.as_slice()) {
                ("all", worlds) => Ok(worlds.iter().fold(Worlds::ALL, |all, one| all & *one)),
                ("any", worlds) => Ok(worlds.iter().fold(Worlds::NONE, |any, one| any | *one)),
                ("not", [worlds]) => Ok(!*worlds),
                _ => Err(syn::Error::new(ident.span(), "not a `cfg` predicate")),
            };
        }
        // In a `cfg_select!`, the arrow of an arm may follow.
        if input.peek(Token![=]) && !input.peek(Token![=>]) {
            input.parse::<Token![=]>()?;
            let value = input.parse::<LitStr>()?.value();
            let values = self.values.get(&name);
            return Ok(values.is_some_and(|values| values.contains(&value)).into());
        }
        Ok(match name.as_str() {
            "test" => Worlds::TEST,
            "doc" | "doctest" => Worlds::DOC,
            _ => self.names.contains(&name).into(),
        })
    }
}
