//! What every scope of the crate declares: the raw material of path resolution.
//!
//! A scope is a module or, as in rustc, a block that holds items. Names are kept by name first and
//! scope second, since a search always knows its name and most names are declared once.

use std::collections::HashMap;

use syn::ext::IdentExt as _;
use syn::{Ident, UseTree, Visibility};

use super::cfg::Worlds;

/// Tells one scope of a walk from another.
pub(crate) type ScopeId = usize;

/// The crate's root module.
pub(super) const ROOT: ScopeId = 0;

/// One of Tabellion's derives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Derive {
    /// `#[derive(Table)]`
    Table,
    /// `#[derive(Scope)]`
    Scope,
    /// `#[derive(TextEnum)]`
    TextEnum,
}

impl Derive {
    /// The derives by the names under which they are exported.
    pub(super) const NAMES: [(&str, Derive); 3] = [
        ("Table", Derive::Table),
        ("Scope", Derive::Scope),
        ("TextEnum", Derive::TextEnum),
    ];

    fn named(name: &str) -> Option<Derive> {
        Derive::NAMES
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, derive)| *derive)
    }
}

/// A module or a block.
#[derive(Debug)]
pub(super) struct Scope {
    /// The scope around this one.
    pub(super) parent: Option<ScopeId>,
    /// The nearest module, which may be the scope itself.
    pub(super) module: ScopeId,
    /// The module's path inside the crate, as `module_path!()` spells it.
    pub(super) path: Vec<String>,
    pub(super) worlds: Worlds,
    /// Every `use path::*` of this scope.
    pub(super) globs: Vec<Glob>,
    /// The names that a `use` gives or takes from a derive: `use tabellion::Table as T`.
    derives: Vec<(String, Option<Derive>)>,
}

/// `use path::*`.
#[derive(Debug)]
pub(super) struct Glob {
    pub(super) path: Path,
    pub(super) reach: Reach,
    pub(super) worlds: Worlds,
    /// The module that the path leads to, by world, once known.
    pub(super) target: Vec<(Worlds, ScopeId)>,
}

/// A path by its bare names.
#[derive(Clone, Debug)]
pub(super) struct Path {
    /// It begins with `::`, outside this crate.
    pub(super) leading: bool,
    pub(super) names: Vec<String>,
}

impl Path {
    /// The names of a path, whatever generic arguments it has.
    pub(super) fn of(path: &syn::Path) -> Path {
        Path {
            leading: path.leading_colon.is_some(),
            names: path
                .segments
                .iter()
                .map(|segment| bare(&segment.ident))
                .collect(),
        }
    }
}

/// The module inside which a name may be used; `None` stands for everywhere.
pub(super) type Reach = Option<ScopeId>;

/// One declaration of a name.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) scope: ScopeId,
    pub(super) reach: Reach,
    pub(super) worlds: Worlds,
    pub(super) def: Def,
}

/// What a name stands for.
#[derive(Debug)]
pub(super) enum Def {
    /// An item with one of our derives, by its place in the walk.
    Item(usize),
    /// A type of this crate without one.
    Plain,
    /// A module.
    Module(ScopeId),
    /// Whatever this path leads to: a `use` or a type alias.
    Link(Path),
    /// Another crate.
    Foreign,
}

/// Every scope and every declaration of one target.
#[derive(Debug, Default)]
pub(super) struct Index {
    pub(super) scopes: Vec<Scope>,
    /// Looked up, never iterated, so that its order shows nowhere.
    pub(super) names: HashMap<String, Vec<Site>>,
}

impl Index {
    /// Adds the module `name` inside `parent`, or the crate's root.
    pub(super) fn module(&mut self, parent: Option<(ScopeId, &Ident)>, worlds: Worlds) -> ScopeId {
        let id = self.scopes.len();
        let path = parent.map_or_else(Vec::new, |(parent, name)| {
            let mut path = self.scopes[parent].path.clone();
            path.push(shown(name));
            path
        });
        let parent = parent.map(|(parent, _)| parent);
        self.add(Scope {
            parent,
            module: id,
            path,
            worlds,
            globs: Vec::new(),
            derives: Vec::new(),
        })
    }

    /// Adds a block inside `parent`.
    pub(super) fn block(&mut self, parent: ScopeId, worlds: Worlds) -> ScopeId {
        let Scope { module, path, .. } = &self.scopes[parent];
        let (module, path) = (*module, path.clone());
        let (globs, derives) = (Vec::new(), Vec::new());
        self.add(Scope {
            parent: Some(parent),
            module,
            path,
            worlds,
            globs,
            derives,
        })
    }

    fn add(&mut self, scope: Scope) -> ScopeId {
        self.scopes.push(scope);
        self.scopes.len() - 1
    }

    /// Declares `name` in `scope`.
    pub(super) fn declare(
        &mut self,
        scope: ScopeId,
        name: &Ident,
        vis: &Visibility,
        worlds: Worlds,
        def: Def,
    ) {
        self.declare_bare(scope, bare(name), self.reach(scope, vis), worlds, def);
    }

    fn declare_bare(
        &mut self,
        scope: ScopeId,
        name: String,
        reach: Reach,
        worlds: Worlds,
        def: Def,
    ) {
        self.names.entry(name).or_default().push(Site {
            scope,
            reach,
            worlds,
            def,
        });
    }

    /// Declares everything that a `use` brings into `scope`.
    pub(super) fn declare_use(
        &mut self,
        scope: ScopeId,
        tree: &UseTree,
        leading: bool,
        vis: &Visibility,
        worlds: Worlds,
    ) {
        let reach = self.reach(scope, vis);
        let mut path = Path {
            leading,
            names: Vec::new(),
        };
        self.branch(scope, tree, &mut path, reach, worlds);
    }

    fn branch(
        &mut self,
        scope: ScopeId,
        tree: &UseTree,
        path: &mut Path,
        reach: Reach,
        worlds: Worlds,
    ) {
        match tree {
            UseTree::Path(branch) => {
                path.names.push(bare(&branch.ident));
                self.branch(scope, &branch.tree, path, reach, worlds);
                path.names.pop();
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.branch(scope, tree, path, reach, worlds);
                }
            }
            UseTree::Glob(_) => {
                let glob = Glob {
                    path: path.clone(),
                    reach,
                    worlds,
                    target: Vec::new(),
                };
                self.scopes[scope].globs.push(glob);
            }
            UseTree::Name(leaf) => self.leaf(scope, path, &leaf.ident, None, reach, worlds),
            UseTree::Rename(leaf) => {
                self.leaf(scope, path, &leaf.ident, Some(&leaf.rename), reach, worlds);
            }
        }
    }

    fn leaf(
        &mut self,
        scope: ScopeId,
        path: &Path,
        last: &Ident,
        rename: Option<&Ident>,
        reach: Reach,
        worlds: Worlds,
    ) {
        let mut path = path.clone();
        // `use a::b::{self}` is `use a::b`; a lone `self` is the module itself.
        if last != "self" || path.names.is_empty() {
            path.names.push(bare(last));
        }
        let real = path.names.last().cloned().unwrap_or_default();
        let name = rename.map_or_else(|| real.clone(), bare);
        if name == "_" {
            return;
        }
        let derive = Derive::named(&real);
        if derive.is_some() || Derive::named(&name).is_some() {
            self.scopes[scope].derives.push((name.clone(), derive));
        }
        self.declare_bare(scope, name, reach, worlds, Def::Link(path));
    }

    /// Which of our derives a path in a `derive(...)` of `scope` names, if any: by its last
    /// segment, or by what a `use` in the scope says that a lone name is.
    pub(super) fn derive(&self, scope: ScopeId, path: &syn::Path) -> Option<Derive> {
        let name = bare(&path.segments.last()?.ident);
        if path.get_ident().is_some() {
            let mut at = Some(scope);
            while let Some(scope) = at {
                let Scope {
                    derives,
                    parent,
                    module,
                    globs,
                    ..
                } = &self.scopes[scope];
                if let Some((_, derive)) = derives.iter().find(|(local, _)| *local == name) {
                    return *derive;
                }
                let to_parent = |glob: &Glob| glob.path.names == ["super"];
                let sees_parent = *module != scope || globs.iter().any(to_parent);
                at = parent.filter(|_| sees_parent);
            }
        }
        Derive::named(&name)
    }

    fn reach(&self, scope: ScopeId, vis: &Visibility) -> Reach {
        let here = self.scopes[scope].module;
        match vis {
            Visibility::Public(_) => None,
            Visibility::Inherited => Some(here),
            Visibility::Restricted(vis) => {
                let mut at = here;
                let mut names = Path::of(&vis.path).names;
                if names.first().is_some_and(|first| first == "crate") {
                    // What follows `crate` must be an ancestor of this module.
                    names.remove(0);
                    let depth = names.len();
                    while self.scopes[at].path.len() > depth {
                        at = self.up(at);
                    }
                } else {
                    for _ in names.iter().filter(|name| *name == "super") {
                        at = self.up(at);
                    }
                }
                Some(at)
            }
        }
    }

    /// The module around a module; the root's is the root.
    pub(super) fn up(&self, module: ScopeId) -> ScopeId {
        self.scopes[module]
            .parent
            .map_or(ROOT, |parent| self.scopes[parent].module)
    }
}

/// An identifier's name without `r#`.
pub(super) fn bare(ident: &Ident) -> String {
    ident.unraw().to_string()
}

/// An identifier as `module_path!()` spells it: with `r#` only where it needs it.
fn shown(ident: &Ident) -> String {
    let name = bare(ident);
    if syn::parse_str::<Ident>(&name).is_ok() {
        name
    } else {
        ident.to_string()
    }
}
