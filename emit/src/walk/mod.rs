//! Finds every table, scope and text enum of a crate without rustc.
//!
//! A build script runs before rustc does and gets no compiler's help, so this folder reads the
//! crate as rustc will: [`targets`] finds the root files, [`walk`] follows modules from there and
//! decides each `cfg`, and [`Walk::resolve`] tells what a path denotes. Where the two readings
//! could still differ (an item made by a macro, a `cfg` that the build script itself sets), the
//! derives notice.
//!
//! Nothing here fails on a mistake in the crate: rustc reports it better. The file is listed in
//! [`Walk::unparsed`].

mod attrs;
mod body;
mod cfg;
mod files;
mod heads;
mod readings;
mod resolve;
mod scan;
mod scope;
mod strip;
mod targets;
mod tree;

use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use syn::{DeriveInput, Ident};

pub(crate) use cfg::{Cfg, Worlds};
pub(crate) use scope::{Derive, ScopeId};
pub(crate) use targets::{Target, TargetKind, targets};

#[cfg(test)]
mod tests;

/// Everything of ours in one target.
pub(crate) struct Walk {
    /// The items with one of our derives, in source order by module tree.
    pub(crate) items: Vec<Found>,
    /// Every file that was read or looked for in vain, sorted, relative to the manifest's folder.
    pub(crate) files: Vec<PathBuf>,
    /// Those of them that rustc will refuse, so that `items` may lack some.
    pub(crate) unparsed: Vec<PathBuf>,
    index: scope::Index,
}

/// A struct or an enum with one of our derives.
pub(crate) struct Found {
    /// Its number among the items of every share, in source order. One that is found twice has one.
    pub(crate) ordinal: usize,
    /// The path of its module inside the crate, as `module_path!()` spells it, without the crate's
    /// name. A function's items belong to the function's module.
    pub(crate) module: Vec<String>,
    /// Its name.
    pub(crate) name: Ident,
    input: Input,
    /// Which of our derives it has, sorted.
    pub(crate) derives: Vec<Derive>,
    /// Where it exists in this reading. One struct is found twice if it differs under test.
    pub(crate) worlds: Worlds,
    /// The scope it was written in, from which its paths are resolved.
    pub(crate) scope: ScopeId,
}

impl Found {
    /// Whether no plain build has it, so that it stands outside the schema.
    pub(crate) fn is_outside(&self) -> bool {
        !self.worlds.meets(Worlds::BUILD)
    }

    /// Its path inside the crate, joined by `::`, as a comment in an artifact shows it.
    pub(crate) fn path(&self) -> String {
        let mut path = self.module.clone();
        path.push(self.name.to_string());
        path.join("::")
    }

    /// What rustc gives to its derives, token by token: every `cfg` and `cfg_attr` decided (a
    /// `cfg` that holds still stands on its member), no `derive`s. `None` if rustc will refuse it.
    pub(crate) fn input(&self) -> Option<&DeriveInput> {
        self.input.read.get_or_init(|| self.input.parse()).as_ref()
    }
}

/// A struct or an enum, parsed once it is asked for.
struct Input {
    /// As it is written, where that was put off.
    text: Rc<str>,
    read: OnceCell<Option<DeriveInput>>,
}

impl Input {
    /// One that was parsed, or refused.
    fn read(input: Option<DeriveInput>) -> Input {
        Input {
            text: Rc::from(""),
            read: OnceCell::from(input),
        }
    }

    /// One that nothing conditional stands in.
    fn later(text: Rc<str>) -> Input {
        Input {
            text,
            read: OnceCell::new(),
        }
    }

    fn parse(&self) -> Option<DeriveInput> {
        let mut input: DeriveInput = syn::parse_str(&self.text).ok()?;
        input.attrs.retain(|attr| !attr.path().is_ident("derive"));
        Some(input)
    }
}

/// Which items a walk reads at once, because they are asked for in any case. The others it reads where one
/// that is asked for leads to them.
///
/// Tokens cannot go from one thread to another, so that each thread walks the crate and reads its share.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Share {
    pub(crate) number: usize,
    pub(crate) of: usize,
}

impl Share {
    /// Whether the item of this name belongs to it, `r#` left out.
    pub(crate) fn has(self, name: &str) -> bool {
        let all = name.bytes().fold(0_u32, |all, byte| {
            all.wrapping_mul(31).wrapping_add(u32::from(byte))
        });
        // The low bits of the product say little more than whether there are many odd letters.
        let high = all.wrapping_mul(0x9e37_79b1) >> 16;
        high as usize % self.of == self.number
    }
}

/// What a path denotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resolution {
    /// The item at this place in [`Walk::items`].
    Item(usize),
    /// A type or a module of this crate that has none of our derives.
    Plain,
    /// Nothing in this crate, as far as can be seen: another crate's, or made by a macro.
    Foreign,
    /// Two different things.
    Ambiguous,
}

impl Walk {
    /// What `path` denotes where `from` is written, by rustc's rules for names of types, in the
    /// build if `from` is in it, else under test.
    pub(crate) fn resolve(&self, from: &Found, path: &syn::Path) -> Resolution {
        self.resolve_in(
            from,
            path,
            from.worlds.each().next().unwrap_or(Worlds::BUILD),
        )
    }

    /// The same in one world of the item's.
    fn resolve_in(&self, from: &Found, path: &syn::Path, world: Worlds) -> Resolution {
        match self.index.find(from.scope, &scope::Path::of(path), world) {
            resolve::Answer::Item(item) => Resolution::Item(item),
            resolve::Answer::Plain | resolve::Answer::Module(_) => Resolution::Plain,
            resolve::Answer::Foreign | resolve::Answer::Nothing => Resolution::Foreign,
            resolve::Answer::Ambiguous => Resolution::Ambiguous,
        }
    }
}

/// Walks one target of the package in `manifest_dir`.
pub(crate) fn walk(manifest_dir: &Path, target: &Target, cfg: &Cfg, share: Share) -> Walk {
    let tree = tree::Tree::walk(manifest_dir, &target.root, cfg, share);
    Walk {
        items: tree.items,
        files: tree.files.into_iter().collect(),
        unparsed: tree.unparsed.into_iter().collect(),
        index: tree.index,
    }
}
