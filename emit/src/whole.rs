//! The whole schema: every struct read, its paths resolved, lowered, and verified together.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use tabellion_sql::plan::Question;
use tabellion_sql::schema::{self, QualifiedName, Renames, Schema};
use tabellion_sql::verify;
use tabellion_syntax::ast::{self, PathRef};
use tabellion_syntax::lower::{self, Denote, Unresolved};
use tabellion_syntax::predicate::plain;
use tabellion_syntax::seen::{self, Entry};
use tabellion_syntax::{Report, fingerprint};

use crate::error::Error;
use crate::walk::{self, Cfg, Derive, Found, Resolution, TargetKind, Walk};

/// Everything that the scanned targets declare.
pub(crate) struct Whole {
    targets: Vec<seen::Target>,
    files: BTreeSet<PathBuf>,
    schema: Schema,
    renames: Renames,
    entries: BTreeMap<String, Vec<Entry>>,
    /// A struct is missing from the schema, or the schema is wrong.
    is_incomplete: bool,
    /// A file could not be parsed, so that structs may be missing even from the entries.
    is_partial: bool,
    /// The entry of each table.
    declared: BTreeMap<QualifiedName, Place>,
}

impl Whole {
    /// Reads the targets of a package into a schema that holds no tables yet.
    pub(crate) fn read(
        manifest_dir: &Path,
        binaries: &[String],
        cfg: &Cfg,
        schema: Schema,
    ) -> Result<Whole, Error> {
        let targets =
            walk::targets(manifest_dir, binaries).map_err(|error| Error::new(error.to_string()))?;
        let mut builder = Builder::new(schema);
        for target in &targets {
            let walk = walk::walk(manifest_dir, target, cfg);
            let name = match &target.kind {
                TargetKind::Lib => seen::Target::Lib(target.crate_name.clone()),
                TargetKind::Bin(name) => seen::Target::Bin(name.clone()),
            };
            builder.target(name, &target.crate_name, &walk)?;
        }
        let mut whole = builder.finish();
        whole.files.insert(PathBuf::from("Cargo.toml"));
        Ok(whole)
    }

    /// The schema; `None` while it would lack a table or hold a mistake.
    pub(crate) fn schema(&self) -> Option<&Schema> {
        (!self.is_incomplete && !self.is_partial).then_some(&self.schema)
    }

    /// What the structs say about earlier names.
    pub(crate) fn renames(&self) -> &Renames {
        &self.renames
    }

    /// Adds what only a person can tell to the mistakes of the structs.
    pub(crate) fn ask(&mut self, questions: Vec<Question>) {
        for question in questions {
            let Some((ident, index)) = self.declared.get(&question.table) else {
                continue;
            };
            let entries = self.entries.get_mut(ident);
            if let Some(entry) = entries.and_then(|entries| entries.get_mut(*index)) {
                entry.errors.push(seen::Error {
                    column: question.column,
                    message: question.message,
                });
            }
        }
    }

    pub(crate) fn targets(&self) -> &[seen::Target] {
        &self.targets
    }

    /// The files that were read, relative to the manifest's folder.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(PathBuf::as_path)
    }

    /// What the derives compare with, by the name of the struct.
    pub(crate) fn entries(&self) -> &BTreeMap<String, Vec<Entry>> {
        &self.entries
    }

    pub(crate) fn is_partial(&self) -> bool {
        self.is_partial
    }
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
        for derive in &found.derives {
            match derive {
                Derive::Table => read.table = tabellion_syntax::table(&found.input, &mut report),
                Derive::Scope => read.scope = tabellion_syntax::scope(&found.input, &mut report),
                Derive::TextEnum => {
                    read.text_enum = tabellion_syntax::text_enum(&found.input, &mut report);
                }
            }
        }
        read.is_right = report.finish().is_ok();
        read
    }
}

/// A table as the schema holds it.
enum Lowered {
    Own(Box<schema::Table>),
    External(schema::External),
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
                (name, Lowered::Own(Box::new(own)))
            }
        })
    }
}

/// What paths denote where one item is written.
struct Seen<'a> {
    walk: &'a Walk,
    reads: &'a [Read],
    from: &'a Found,
}

impl<'a> Seen<'a> {
    fn item(&self, path: &PathRef) -> Option<&'a Read> {
        match self.walk.resolve(self.from, &path.0) {
            Resolution::Item(index) => self.reads.get(index),
            Resolution::Plain | Resolution::Foreign | Resolution::Ambiguous => None,
        }
    }

    /// Whether a path denotes an item that is itself broken: its own derive says how.
    fn is_broken(&self, path: &PathRef) -> bool {
        self.item(path).is_some_and(|read| !read.is_right)
    }
}

impl Denote for Seen<'_> {
    fn scope(&self, path: &PathRef) -> Option<&ast::Scope> {
        self.item(path)?.scope.as_ref()
    }

    fn text_enum(&self, path: &PathRef) -> Option<&ast::TextEnum> {
        self.item(path)?.text_enum.as_ref()
    }

    fn table(&self, path: &PathRef) -> Option<&ast::Table> {
        self.item(path)?.table.as_ref()
    }
}

/// Where the entry of a table stands, to add what is found out later.
type Place = (String, usize);

struct Builder {
    whole: Whole,
    /// The struct of each table, as a path and as a place.
    declared: BTreeMap<QualifiedName, (String, Place)>,
}

impl Builder {
    fn new(schema: Schema) -> Self {
        Builder {
            whole: Whole {
                targets: Vec::new(),
                files: BTreeSet::new(),
                schema,
                renames: Renames::default(),
                entries: BTreeMap::new(),
                is_incomplete: false,
                is_partial: false,
                declared: BTreeMap::new(),
            },
            declared: BTreeMap::new(),
        }
    }

    fn target(&mut self, name: seen::Target, crate_name: &str, walk: &Walk) -> Result<(), Error> {
        let reads: Vec<Read> = walk.items.iter().map(Read::of).collect();
        self.whole.files.extend(walk.files.iter().cloned());
        self.whole.is_partial |= !walk.unparsed.is_empty();
        for (found, read) in walk.items.iter().zip(&reads) {
            let in_schema = !found.is_outside();
            if in_schema && !read.is_right {
                self.whole.is_incomplete = true;
            }
            if let (Some(scope), true, true) = (&read.scope, read.is_right, in_schema) {
                self.role(scope)?;
            }
            if let Some(table) = &read.table {
                let seen = Seen {
                    walk,
                    reads: &reads,
                    from: found,
                };
                self.table(&name, crate_name, table, read.is_right, &seen);
            }
        }
        self.whole.targets.push(name);
        Ok(())
    }

    fn role(&mut self, scope: &ast::Scope) -> Result<(), Error> {
        let (name, role) = lower::role(scope, self.whole.schema.platform);
        let before = self.whole.schema.roles.insert(name.clone(), role);
        if before.is_some_and(|before| before != role) {
            return Err(Error::new(format!(
                "role `{name}` is `create` in one scope and `external` in another; make them agree"
            )));
        }
        Ok(())
    }

    fn table(
        &mut self,
        target: &seen::Target,
        crate_name: &str,
        table: &ast::Table,
        is_right: bool,
        seen: &Seen<'_>,
    ) {
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
        };
        let all = paths.scope.iter().chain(&paths.enums).chain(&paths.tables);
        if all.copied().any(|path| seen.is_broken(path)) {
            entry.unchecked = true;
            self.whole.is_incomplete |= in_schema;
        }
        let ident = plain(&table.ident);
        let place = (
            ident.clone(),
            self.whole.entries.get(&ident).map_or(0, Vec::len),
        );
        if !entry.unchecked {
            let source = format!("{crate_name}::{}", found.path());
            match Lowered::of(table, source.clone(), seen) {
                Ok((name, lowered)) => match self.declared.get(&name) {
                    Some((other, other_place)) => {
                        let message = |own: &str, other: &str| seen::Error {
                            column: None,
                            message: format!(
                                "table `{}` is declared by `{own}` and by `{other}`; rename one with \
                                 `#[table(name = \"...\")]`",
                                table.name.value
                            ),
                        };
                        entry.errors.push(message(&source, other));
                        let (other, other_place) = (message(other, &source), other_place.clone());
                        self.error(&other_place, other);
                        self.whole.is_incomplete = true;
                    }
                    None => {
                        self.add(name.clone(), table, lowered);
                        self.declared.insert(name, (source, place));
                    }
                },
                Err(unresolved) => {
                    self.whole.is_incomplete = true;
                    // What rustc reports by itself needs no second message.
                    entry.unchecked = unresolved.iter().any(|one| one.rustc_reports);
                    let messages = unresolved.into_iter().map(|one| one.message);
                    entry.problem = messages.collect::<Vec<_>>().join("; ");
                }
            }
        }
        self.whole.entries.entry(ident).or_default().push(entry);
    }

    fn add(&mut self, name: QualifiedName, table: &ast::Table, lowered: Lowered) {
        let whole = &mut self.whole;
        match lowered {
            Lowered::External(external) => {
                whole.schema.externals.insert(name, external);
            }
            Lowered::Own(lowered) => {
                let renames = lower::renames(table);
                whole.renames.tables.insert(name.clone(), renames);
                whole.schema.tables.insert(name, *lowered);
            }
        }
    }

    fn error(&mut self, (ident, index): &Place, error: seen::Error) {
        let entries = self.whole.entries.get_mut(ident);
        if let Some(entry) = entries.and_then(|entries| entries.get_mut(*index)) {
            entry.errors.push(error);
        }
    }

    /// Verifies what has come together.
    fn finish(mut self) -> Whole {
        let is_incomplete = self.whole.is_incomplete;
        for finding in verify::verify(&self.whole.schema) {
            if finding.lacks_a_table && is_incomplete {
                continue; // The table may well be declared, by a struct with a mistake of its own.
            }
            // What rustc reports by itself needs no second message.
            if let Some((_, place)) = self.declared.get(&finding.table)
                && !finding.rustc_reports
            {
                let place = place.clone();
                self.error(
                    &place,
                    seen::Error {
                        column: finding.column,
                        message: finding.message,
                    },
                );
            }
            self.whole.is_incomplete = true;
        }
        self.whole.declared = self
            .declared
            .into_iter()
            .map(|(name, (_, place))| (name, place))
            .collect();
        self.whole
    }
}

/// The fingerprints of what the paths of a table denote; 0 for what they do not.
fn references(paths: &ast::References<'_>, seen: &Seen<'_>) -> Vec<u64> {
    let scope = paths
        .scope
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
    scope
        .chain(enums)
        .chain(tables)
        .map(Option::unwrap_or_default)
        .collect()
}
