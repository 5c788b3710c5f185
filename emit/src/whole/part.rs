//! A share of a target's items, read and lowered by one thread.
//!
//! What reading leaves behind holds tokens, which cannot go from one thread to another; what it comes to is
//! plain data. So each thread walks the whole target, its share as it is written and the names of the rest, and
//! reads its share and whatever that refers to.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::mem;
use std::path::{Path, PathBuf};

use tabellion_sql::proof::{ProofScope, ProofSetting};
use tabellion_sql::schema::{self, Platform, QualifiedName, Role, TableRenames};
use tabellion_syntax::ast::{self, PathRef};
use tabellion_syntax::lower::{self, Denote, Unresolved};
use tabellion_syntax::predicate::plain;
use tabellion_syntax::seen::{self, Entry};
use tabellion_syntax::{Report, fingerprint};

use crate::walk::{self, Cfg, Derive, Found, Resolution, Share, Target, Walk};

/// What a share of a target comes to.
pub(super) struct Part {
    /// By the number of the item in the target.
    pub(super) items: Vec<(usize, Item)>,
    /// The files that were read, relative to the manifest's folder.
    pub(super) files: BTreeSet<PathBuf>,
    /// Whether a file could not be parsed.
    pub(super) is_partial: bool,
}

/// One struct or enum with one of our derives.
#[derive(Default)]
pub(super) struct Item {
    /// It belongs to the schema, and is missing from it.
    pub(super) is_incomplete: bool,
    /// A scope, and what its role is.
    pub(super) scope: Option<(ProofScope, Role)>,
    pub(super) table: Option<Table>,
}

/// A table, whether it could be lowered or not.
pub(super) struct Table {
    /// The struct's name.
    pub(super) ident: String,
    /// Its path, the crate's name included.
    pub(super) source: String,
    pub(super) entry: Entry,
    pub(super) lowered: Option<(QualifiedName, Lowered)>,
}

/// A table as the schema holds it.
pub(super) enum Lowered {
    Own(Box<schema::Table>, TableRenames),
    External(schema::External),
}

impl Part {
    /// Reads a share of what a target declares.
    pub(super) fn read(
        manifest_dir: &Path,
        target: &Target,
        name: &seen::Target,
        cfg: &Cfg,
        platform: Platform,
        share: Share,
    ) -> Part {
        let walk = walk::walk(manifest_dir, target, cfg, share);
        let reads = Reads::of(&walk);
        let own = (0..walk.items.len()).filter(|&index| share.has(&plain(&walk.items[index].name)));
        let items = own.map(|index| {
            let seen = Seen {
                reads: &reads,
                from: &walk.items[index],
                platform,
            };
            let item = item(seen, reads.read(index), target, name, platform);
            (walk.items[index].ordinal, item)
        });
        let part = Part {
            items: items.collect(),
            files: walk.files.iter().cloned().collect(),
            is_partial: !walk.unparsed.is_empty(),
        };
        // A build script ends soon, and its memory with it: to take tokens apart one by one until then is
        // work for nothing.
        mem::forget(reads);
        mem::forget(walk);
        part
    }
}

fn item(
    seen: Seen<'_>,
    read: &Read,
    target: &Target,
    name: &seen::Target,
    platform: Platform,
) -> Item {
    let in_schema = !seen.from.is_outside();
    let mut item = Item {
        is_incomplete: in_schema && !read.is_right,
        ..Item::default()
    };
    if let (Some(scope), true, true) = (&read.scope, read.is_right, in_schema) {
        let (role, kind) = lower::role(scope, platform);
        item.scope = Some((proven(role, scope, &seen), kind));
    }
    if let Some(table) = &read.table {
        let (table, is_incomplete) =
            self::table(name, &target.crate_name, table, read.is_right, &seen);
        item.table = Some(table);
        item.is_incomplete |= is_incomplete;
    }
    item
}

/// A scope as the proof of row-level security takes it.
fn proven(role: String, scope: &ast::Scope, seen: &Seen<'_>) -> ProofScope {
    let settings = scope.settings.iter().map(|setting| {
        let of = (setting.text_enum.as_ref()).and_then(|path| seen.text_enum(path));
        let texts = of.map(|of| of.variants.iter().map(|(_, text)| text.value.clone()));
        ProofSetting {
            name: setting.name.value.clone(),
            claim: setting.claim.clone(),
            ty: setting.ty.clone(),
            texts: texts.map(Iterator::collect).unwrap_or_default(),
        }
    });
    ProofScope {
        role,
        settings: settings.collect(),
    }
}

/// A table of the share, and whether the schema lacks it.
fn table(
    target: &seen::Target,
    crate_name: &str,
    table: &ast::Table,
    is_right: bool,
    seen: &Seen<'_>,
) -> (Table, bool) {
    let found = seen.from;
    let in_schema = !found.is_outside();
    let paths = table.references();
    let mut module = vec![crate_name.to_owned()];
    module.extend(found.module.iter().cloned());
    let mut entry = Entry {
        target: target.clone(),
        module: module.join("::"),
        fingerprint: fingerprint(table),
        references: references(&paths, seen),
        problem: String::new(),
        unchecked: !is_right || !in_schema,
        errors: Vec::new(),
        warnings: None,
    };
    let mut is_incomplete = false;
    let all = paths.scopes.iter().chain(&paths.enums).chain(&paths.tables);
    if all.copied().any(|path| seen.is_broken(path)) {
        entry.unchecked = true;
        is_incomplete = in_schema;
    }
    let source = format!("{crate_name}::{}", found.path());
    let mut lowered = None;
    if !entry.unchecked {
        match Lowered::of(table, source.clone(), seen) {
            Ok(done) => lowered = Some(done),
            Err(unresolved) => {
                is_incomplete = true;
                // What rustc reports by itself needs no second message.
                entry.unchecked = unresolved.iter().any(|one| one.rustc_reports);
                let messages = unresolved.into_iter().map(|one| one.message);
                entry.problem = messages.collect::<Vec<_>>().join("; ");
            }
        }
    }
    let table = Table {
        ident: plain(&table.ident),
        source,
        entry,
        lowered,
    };
    (table, is_incomplete)
}

/// An item as `tabellion-syntax` reads it.
#[derive(Default)]
struct Read {
    table: Option<ast::Table>,
    scope: Option<ast::Scope>,
    text_enum: Option<ast::TextEnum>,
    is_right: bool,
}

impl Read {
    fn of(found: &Found) -> Read {
        let mut report = Report::default();
        let mut read = Read::default();
        let Some(input) = found.input() else {
            return read;
        };
        for derive in &found.derives {
            match derive {
                Derive::Table => read.table = tabellion_syntax::table(input, &mut report),
                Derive::Scope => read.scope = tabellion_syntax::scope(input, &mut report),
                Derive::TextEnum => {
                    read.text_enum = tabellion_syntax::text_enum(input, &mut report);
                }
            }
        }
        read.is_right = report.finish().is_ok();
        read
    }
}

impl Lowered {
    fn of(
        table: &ast::Table,
        source: String,
        denote: &dyn Denote,
    ) -> Result<(QualifiedName, Lowered), Vec<Unresolved>> {
        Ok(match table.external {
            Some(_) => {
                let (name, external) = lower::external(table, source, denote)?;
                (name, Lowered::External(external))
            }
            None => {
                let (name, own) = lower::table(table, source, denote)?;
                (name, Lowered::Own(Box::new(own), lower::renames(table)))
            }
        })
    }
}

/// The items of a walk, each read when it is first asked for.
struct Reads<'a> {
    walk: &'a Walk,
    reads: Vec<OnceCell<Read>>,
}

impl<'a> Reads<'a> {
    fn of(walk: &'a Walk) -> Reads<'a> {
        Reads {
            walk,
            reads: walk.items.iter().map(|_| OnceCell::new()).collect(),
        }
    }

    fn read(&self, index: usize) -> &Read {
        self.reads[index].get_or_init(|| Read::of(&self.walk.items[index]))
    }
}

/// What paths denote where one item is written.
struct Seen<'a> {
    reads: &'a Reads<'a>,
    from: &'a Found,
    platform: Platform,
}

impl<'a> Seen<'a> {
    fn item(&self, path: &PathRef) -> Option<&'a Read> {
        match self.reads.walk.resolve(self.from, &path.0) {
            Resolution::Item(index) => Some(self.reads.read(index)),
            Resolution::Plain | Resolution::Foreign | Resolution::Ambiguous => None,
        }
    }

    /// Whether a path denotes an item that is itself broken: its own derive says how.
    fn is_broken(&self, path: &PathRef) -> bool {
        self.item(path).is_some_and(|read| !read.is_right)
    }
}

impl Denote for Seen<'_> {
    fn platform(&self) -> Platform {
        self.platform
    }

    fn scope(&self, path: &PathRef) -> Option<&ast::Scope> {
        self.item(path)?.scope.as_ref()
    }

    fn text_enum(&self, path: &PathRef) -> Option<&ast::TextEnum> {
        self.item(path)?.text_enum.as_ref()
    }

    fn enum_of_scope(&self, scope: &PathRef, path: &PathRef) -> Option<&ast::TextEnum> {
        let Resolution::Item(index) = self.reads.walk.resolve(self.from, &scope.0) else {
            return None;
        };
        let from = &self.reads.walk.items[index];
        match self.reads.walk.resolve(from, &path.0) {
            Resolution::Item(index) => self.reads.read(index).text_enum.as_ref(),
            Resolution::Plain | Resolution::Foreign | Resolution::Ambiguous => None,
        }
    }

    fn table(&self, path: &PathRef) -> Option<&ast::Table> {
        self.item(path)?.table.as_ref()
    }
}

/// The fingerprints of what the paths of a table denote; 0 for what they do not.
fn references(paths: &ast::References<'_>, seen: &Seen<'_>) -> Vec<u64> {
    let scopes = paths
        .scopes
        .iter()
        .map(|path| seen.scope(path).map(fingerprint));
    let enums = paths
        .enums
        .iter()
        .map(|path| seen.text_enum(path).map(fingerprint));
    let tables = paths
        .tables
        .iter()
        .map(|path| seen.table(path).map(fingerprint));
    scopes
        .chain(enums)
        .chain(tables)
        .map(Option::unwrap_or_default)
        .collect()
}
