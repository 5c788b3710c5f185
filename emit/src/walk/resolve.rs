//! What a path denotes, by Rust's rules for names of types and modules.
//!
//! The rules are those of "Use declarations" and "Name resolution" in the Rust Reference: a name
//! declared in a scope hides one that a glob brings, globs that disagree are ambiguous, a block
//! sees its module's names and a module does not see its parent's. What a macro declares is out of
//! sight, and with it falls under [`Answer::Nothing`].

use super::cfg::Worlds;
use super::scope::{Def, Glob, Index, Path, ROOT, Reach, ScopeId, Site};

/// What a search found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// No such name in this crate, as far as can be seen.
    Nothing,
    /// Another crate's.
    Foreign,
    /// A type of this crate without any of our derives.
    Plain,
    /// An item with one of our derives, by its place in the walk.
    Item(usize),
    /// A module.
    Module(ScopeId),
    /// Two different things of this crate.
    Ambiguous,
}

impl Answer {
    /// Joins what two equally good declarations say. One that leads out of the crate may well be
    /// in another namespace (a function, a macro), so one of this crate is believed before it.
    fn or(self, other: Answer) -> Answer {
        match (self, other) {
            (answer, Answer::Nothing) | (Answer::Nothing, answer) => answer,
            (answer, Answer::Foreign) | (Answer::Foreign, answer) => answer,
            (one, other) if one == other => one,
            _ => Answer::Ambiguous,
        }
    }
}

impl Index {
    /// Finds where every glob leads. Call once, when everything is declared.
    ///
    /// A glob's path may itself run through a glob, hence the repetition; each round but the last
    /// settles one glob at least.
    pub(super) fn settle_globs(&mut self) {
        let mut open: Vec<(ScopeId, usize, Worlds)> = Vec::new();
        for (scope, entry) in self.scopes.iter().enumerate() {
            for (at, glob) in entry.globs.iter().enumerate() {
                open.extend(
                    (glob.worlds & entry.worlds)
                        .each()
                        .map(|world| (scope, at, world)),
                );
            }
        }
        loop {
            let before = open.len();
            let mut settled = Vec::new();
            open.retain(|&(scope, at, world)| {
                let answer = self.find(scope, &self.scopes[scope].globs[at].path, world);
                let Answer::Module(target) = answer else {
                    return true;
                };
                settled.push((scope, at, world, target));
                false
            });
            for (scope, at, world, target) in settled {
                self.scopes[scope].globs[at].target.push((world, target));
            }
            if open.len() == before {
                return;
            }
        }
    }

    /// What `path`, written in `scope`, denotes in `world`.
    pub(super) fn find(&self, scope: ScopeId, path: &Path, world: Worlds) -> Answer {
        Search {
            index: self,
            world,
            links: Vec::new(),
            fuel: 10_000,
        }
        .path(scope, path)
    }

    /// Whether `scope` lies where a name of this reach may be used.
    fn reaches(&self, reach: Reach, scope: ScopeId) -> bool {
        let Some(limit) = reach else { return true };
        let mut at = Some(scope);
        while let Some(scope) = at {
            if scope == limit {
                return true;
            }
            at = self.scopes[scope].parent;
        }
        false
    }
}

struct Search<'a> {
    index: &'a Index,
    world: Worlds,
    /// The links being followed, so that none is followed into itself.
    links: Vec<*const Site>,
    /// How many links may still be followed. Real code needs a handful; re-exports that cross each
    /// other at every level would ask for two to the power of their depth.
    fuel: u32,
}

impl<'a> Search<'a> {
    fn path(&mut self, scope: ScopeId, path: &Path) -> Answer {
        if path.leading {
            return Answer::Foreign;
        }
        let here = self.index.scopes[scope].module;
        let mut names = path.names.iter().map(String::as_str);
        let mut at = match names.next() {
            None => Answer::Module(here),
            Some("crate") => Answer::Module(ROOT),
            Some("self") => Answer::Module(here),
            Some("super") => self.above(here),
            Some(name) => self.lexical(scope, name),
        };
        for name in names {
            at = match at {
                Answer::Module(module) if name == "super" => self.above(module),
                Answer::Module(module) if name == "self" => Answer::Module(module),
                Answer::Module(module) => self.member(module, name, scope),
                Answer::Foreign | Answer::Ambiguous | Answer::Nothing => return at,
                // A variant or an associated item.
                Answer::Plain | Answer::Item(_) => return Answer::Nothing,
            };
        }
        at
    }

    fn above(&self, module: ScopeId) -> Answer {
        if module == ROOT {
            Answer::Nothing
        } else {
            Answer::Module(self.index.up(module))
        }
    }

    /// A path's first name: in this scope, then in the blocks around it up to their module.
    fn lexical(&mut self, scope: ScopeId, name: &str) -> Answer {
        let mut at = scope;
        loop {
            let answer = self.member(at, name, scope);
            let entry = &self.index.scopes[at];
            match entry.parent {
                Some(parent) if answer == Answer::Nothing && entry.module != at => at = parent,
                _ => return answer,
            }
        }
    }

    /// A name in one scope, as seen from `from`: declared there, or brought by its globs.
    fn member(&mut self, scope: ScopeId, name: &str, from: ScopeId) -> Answer {
        let Some(sites) = self.index.names.get(name) else {
            return Answer::Nothing;
        };
        if let Some(answer) = self.declared(scope, sites, from) {
            return answer;
        }
        let mut answer = Answer::Nothing;
        let mut seen = vec![false; self.index.scopes.len()];
        seen[scope] = true;
        let mut todo = vec![scope];
        while let Some(scope) = todo.pop() {
            let index = self.index;
            for glob in &index.scopes[scope].globs {
                let Some(target) = self.target(glob, from) else {
                    continue;
                };
                if std::mem::replace(&mut seen[target], true) {
                    continue;
                }
                match self.declared(target, sites, from) {
                    Some(found) => answer = answer.or(found),
                    None => todo.push(target),
                }
            }
        }
        answer
    }

    fn target(&self, glob: &Glob, from: ScopeId) -> Option<ScopeId> {
        let (_, target) = glob
            .target
            .iter()
            .find(|(world, _)| world.meets(self.world))?;
        self.index.reaches(glob.reach, from).then_some(*target)
    }

    /// What the scope's own declarations of a name say; `None` if it has none that `from` sees.
    fn declared(&mut self, scope: ScopeId, sites: &'a [Site], from: ScopeId) -> Option<Answer> {
        let mut answer = None;
        for site in sites {
            if site.scope != scope
                || !site.worlds.meets(self.world)
                || !self.index.reaches(site.reach, from)
            {
                continue;
            }
            let found = match &site.def {
                Def::Item(item) => Answer::Item(*item),
                Def::Plain => Answer::Plain,
                Def::Foreign => Answer::Foreign,
                Def::Module(module) => {
                    if !self.index.scopes[*module].worlds.meets(self.world) {
                        continue;
                    }
                    Answer::Module(*module)
                }
                Def::Link(path) => {
                    if self.links.iter().any(|link| std::ptr::eq(*link, site)) {
                        continue;
                    }
                    let Some(fuel) = self.fuel.checked_sub(1) else {
                        return Some(Answer::Ambiguous);
                    };
                    self.fuel = fuel;
                    self.links.push(site);
                    let found = self.path(scope, path);
                    self.links.pop();
                    // A `use` of what is not in this crate hides a glob's offer all the same.
                    if found == Answer::Nothing {
                        Answer::Foreign
                    } else {
                        found
                    }
                }
            };
            answer = Some(answer.map_or(found, |before: Answer| before.or(found)));
        }
        answer
    }
}
