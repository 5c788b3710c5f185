//! The walk itself: from the crate's root through its modules, in source order.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use proc_macro2::TokenStream;
use syn::Ident;
use syn::parse::{ParseBuffer, ParseStream, Parser as _};

use super::attrs::Facts;
use super::cfg::{Cfg, Worlds};
use super::files::{self, Dir, ModuleFile};
use super::heads::{Head, Heads, Kind};
use super::readings::Text;
use super::scope::{self, Def, Index, ScopeId};
use super::{Found, Share, body};

/// A walk under way.
pub(super) struct Tree<'c> {
    /// The manifest's folder; every other path is relative to it.
    base: &'c Path,
    pub(super) cfg: &'c Cfg,
    pub(super) index: Index,
    pub(super) items: Vec<Found>,
    pub(super) files: BTreeSet<PathBuf>,
    pub(super) unparsed: BTreeSet<PathBuf>,
    /// The files around the current place, so that none is entered from inside itself.
    open: Vec<PathBuf>,
    share: Share,
    /// How many structs and enums with one of our derives were met.
    pub(super) met: usize,
}

/// Where in the crate the walk is.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) scope: ScopeId,
    pub(super) worlds: Worlds,
    dir: Dir,
    pub(super) file: Rc<Path>,
    /// Whether functions are to be looked into.
    bodies: bool,
    /// The types of the file that were put off.
    pub(super) later: Rc<[Rc<str>]>,
}

impl<'c> Tree<'c> {
    /// Walks the crate whose root is `root`, to read a share of its items.
    pub(super) fn walk(base: &'c Path, root: &Path, cfg: &'c Cfg, share: Share) -> Tree<'c> {
        let mut tree = Tree {
            base,
            cfg,
            index: Index::default(),
            items: Vec::new(),
            files: BTreeSet::new(),
            unparsed: BTreeSet::new(),
            open: Vec::new(),
            share,
            met: 0,
        };
        let scope = tree.index.module(None, Worlds::ALL);
        let dir = Dir::of_root(root);
        tree.file(
            root,
            Place {
                scope,
                worlds: Worlds::ALL,
                dir,
                file: root.into(),
                bodies: false,
                later: Rc::from([]),
            },
        );
        tree.index.settle_globs();
        tree
    }

    /// Notes that rustc will refuse something in `file`.
    pub(super) fn refuse(&mut self, file: &Path) {
        self.unparsed.insert(file.to_path_buf());
    }

    /// Walks a file whose items belong at `place`.
    fn file(&mut self, file: &Path, mut place: Place) {
        self.files.insert(file.to_path_buf());
        let whole = self.base.join(file);
        let real = whole.canonicalize().unwrap_or_else(|_| whole.clone());
        let source = if self.open.contains(&real) {
            None
        } else {
            files::source(&whole, self.share)
        };
        let Some(source) = source else {
            return self.refuse(file);
        };
        place.file = file.into();
        place.bodies = source.names_derive;
        place.later = source.later;
        self.open.push(real);
        self.tokens(source.tokens, place);
        self.open.pop();
    }

    /// Walks tokens, inner attributes first, as the items of `place`.
    fn tokens(&mut self, tokens: TokenStream, place: Place) {
        let walk = |input: ParseStream<'_>| {
            self.module_items(input, place);
            Ok(())
        };
        // Syn complains of tokens that are left unread, as passing over an item leaves them; what
        // is truly wrong was noted on the way.
        let _ = walk.parse2(tokens);
    }

    fn module_items(&mut self, input: &ParseBuffer<'_>, mut place: Place) {
        let mut facts = Facts::default();
        if facts.inner(input, self.cfg).is_err() {
            return self.refuse(&place.file);
        }
        place.worlds = place.worlds & facts.worlds;
        let scope = &mut self.index.scopes[place.scope];
        scope.worlds = scope.worlds & place.worlds;
        if !place.worlds.is_empty() {
            let heads = Heads::read(input, self.cfg, place.bodies);
            self.heads(heads, &place);
        }
    }

    /// Walks the items of a block, and gives the place of its statements.
    pub(super) fn block(&mut self, items: TokenStream, outer: &Place) -> Place {
        let scope = self.index.block(outer.scope, outer.worlds);
        let place = Place {
            scope,
            dir: outer.dir.block(),
            ..outer.clone()
        };
        self.tokens(items, place.clone());
        place
    }

    fn heads(&mut self, heads: Heads<'_, '_>, place: &Place) {
        if heads.broken {
            self.refuse(&place.file);
        }
        // First what renames a derive, wherever in the scope it stands.
        for Head {
            facts, vis, kind, ..
        } in &heads.list
        {
            if let Kind::Use(tree, leading) = kind {
                let worlds = facts.worlds & place.worlds;
                self.index
                    .declare_use(place.scope, tree, *leading, vis, worlds);
            }
        }
        for head in heads.list {
            let worlds = head.facts.worlds & place.worlds;
            if !worlds.is_empty() {
                self.item(head, worlds, place);
            }
        }
    }

    fn item(&mut self, head: Head<'_>, worlds: Worlds, place: &Place) {
        let Head {
            facts,
            vis,
            kind,
            start,
            end,
        } = head;
        let scope = place.scope;
        match kind {
            Kind::Type(name) => {
                let text = Text { start: &start, end };
                let plain = self.derived(&name, &vis, worlds, &facts, text, place);
                if !plain.is_empty() {
                    self.index.declare(scope, &name, &vis, plain, Def::Plain);
                }
            }
            Kind::Alias(name, target) => {
                let def = target.map_or(Def::Plain, |path| Def::Link(scope::Path::of(&path)));
                self.index.declare(scope, &name, &vis, worlds, def);
            }
            Kind::Trait(name, holds_items) => {
                self.index.declare(scope, &name, &vis, worlds, Def::Plain);
                if holds_items {
                    self.body(&start, worlds, place);
                }
            }
            Kind::ExternCrate(real, name) => {
                let def = if real == "self" {
                    Def::Module(scope::ROOT)
                } else {
                    Def::Foreign
                };
                self.index.declare(scope, &name, &vis, worlds, def);
            }
            Kind::Include(path) => {
                let file = place.file.parent().unwrap_or(Path::new("")).join(path);
                let place = Place {
                    worlds,
                    dir: Dir::of_root(&file),
                    ..place.clone()
                };
                self.file(&file, place);
            }
            Kind::Code => self.body(&start, worlds, place),
            Kind::Mod(name, content) => {
                let mut facts = facts;
                if let Some(content) = &content {
                    // Inside the braces, `#![path]` and `#![cfg]` speak of the module too.
                    if facts.inner(&content.fork(), self.cfg).is_err() {
                        self.refuse(&place.file);
                    }
                }
                for (path, worlds) in by_path(&facts, worlds) {
                    let scope = self.index.module(Some((scope, &name)), worlds);
                    self.index
                        .declare(place.scope, &name, &vis, worlds, Def::Module(scope));
                    let place = Place {
                        scope,
                        worlds,
                        ..place.clone()
                    };
                    self.module(&name, path, content.as_ref(), place);
                }
                if let Some(content) = content {
                    let _ = content.parse::<TokenStream>();
                }
            }
            Kind::Use(..) => {}
        }
    }

    /// Walks a module whose scope is `place`'s, and whose files are looked for from `place`'s
    /// folder.
    fn module(
        &mut self,
        name: &Ident,
        path: Option<&str>,
        content: Option<&ParseBuffer<'_>>,
        mut place: Place,
    ) {
        let bare = scope::bare(name);
        if let Some(content) = content {
            place.dir = place.dir.inline(&bare, path);
            return self.module_items(&content.fork(), place);
        }
        match place.dir.module(self.base, &bare, path) {
            ModuleFile::At(file, dir) => {
                place.dir = dir;
                self.file(&file, place);
            }
            ModuleFile::Unclear(file) => {
                self.files.insert(file.clone());
                self.refuse(&file);
            }
            ModuleFile::Refused => self.refuse(&place.file.clone()),
        }
    }

    fn body(&mut self, start: &ParseBuffer<'_>, worlds: Worlds, place: &Place) {
        // What syn cannot read here hides at most a table in a function, and that the derive
        // reports; the file's other tables are not to suffer for it.
        if let Ok(item) = start.parse::<syn::Item>() {
            body::walk(
                self,
                &item,
                Place {
                    worlds,
                    ..place.clone()
                },
            );
        }
    }
}

/// The values of a module's `path` attribute and the worlds in which each applies.
fn by_path(facts: &Facts, worlds: Worlds) -> Vec<(Option<&str>, Worlds)> {
    let mut left = worlds & facts.worlds;
    let mut paths = Vec::new();
    for (path, under) in &facts.path {
        if left.meets(*under) {
            paths.push((Some(path.as_str()), left & *under));
            left = left & !*under;
        }
    }
    if !left.is_empty() {
        paths.push((None, left));
    }
    paths
}
