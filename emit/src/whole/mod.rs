//! The whole schema: every struct read, its paths resolved, lowered, and verified together.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use tabellion_sql::plan::Question;
use tabellion_sql::proof::ProofScope;
use tabellion_sql::schema::{QualifiedName, Renames, Role, Schema};
use tabellion_sql::{rule, verify};
use tabellion_syntax::seen::{self, Entry};

use self::part::{Lowered, Part, Table};
use self::share::{shares, threads};
use crate::error::Error;
use crate::walk::{self, Cfg, Target, TargetKind};

mod part;
mod share;

#[cfg(test)]
mod tests;

/// Everything that the scanned targets declare.
pub(crate) struct Whole {
    targets: Vec<seen::Target>,
    files: BTreeSet<PathBuf>,
    schema: Schema,
    renames: Renames,
    /// Who may ask, as the scopes declare it.
    scopes: Vec<ProofScope>,
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
        let threads = |target: &Target| threads(manifest_dir, target);
        Whole::read_by(&threads, manifest_dir, binaries, cfg, schema)
    }

    /// The same by a number of threads, which tells in nothing but time.
    fn read_by(
        threads: &dyn Fn(&Target) -> usize,
        manifest_dir: &Path,
        binaries: &[String],
        cfg: &Cfg,
        schema: Schema,
    ) -> Result<Whole, Error> {
        let targets =
            walk::targets(manifest_dir, binaries).map_err(|error| Error::new(error.to_string()))?;
        let mut builder = Builder::new(schema);
        for target in &targets {
            let name = match &target.kind {
                TargetKind::Lib => seen::Target::Lib(target.crate_name.clone()),
                TargetKind::Bin(name) => seen::Target::Bin(name.clone()),
            };
            let platform = builder.whole.schema.platform;
            let parts = shares(threads(target), |share| {
                Part::read(manifest_dir, target, &name, cfg, platform, share)
            });
            builder.target(name, parts)?;
        }
        let mut whole = builder.finish();
        whole.files.insert(PathBuf::from("Cargo.toml"));
        Ok(whole)
    }

    /// The schema; `None` while it would lack a table or hold a mistake.
    pub(crate) fn schema(&self) -> Option<&Schema> {
        (!self.is_incomplete && !self.is_partial).then_some(&self.schema)
    }

    /// Who may ask.
    pub(crate) fn scopes(&self) -> &[ProofScope] {
        &self.scopes
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
                    place: question.column.into(),
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
                scopes: Vec::new(),
                entries: BTreeMap::new(),
                is_incomplete: false,
                is_partial: false,
                declared: BTreeMap::new(),
            },
            declared: BTreeMap::new(),
        }
    }

    /// Takes in what was read of a target, in the order of the source.
    fn target(&mut self, name: seen::Target, parts: Vec<Part>) -> Result<(), Error> {
        let mut items = Vec::new();
        for part in parts {
            self.whole.files.extend(part.files);
            self.whole.is_partial |= part.is_partial;
            items.extend(part.items);
        }
        // Stable: what is found twice stays in its order.
        items.sort_by_key(|(ordinal, _)| *ordinal);
        for (_, item) in items {
            self.whole.is_incomplete |= item.is_incomplete;
            if let Some((scope, role)) = item.scope {
                self.role(scope.role.clone(), role)?;
                self.whole.scopes.push(scope);
            }
            if let Some(table) = item.table {
                self.table(table);
            }
        }
        self.whole.targets.push(name);
        Ok(())
    }

    fn role(&mut self, name: String, role: Role) -> Result<(), Error> {
        let before = self.whole.schema.roles.insert(name.clone(), role);
        if before.is_some_and(|before| before != role) {
            return Err(Error::new(format!(
                "role `{name}` is `create` in one scope and `external` in another; make them agree"
            )));
        }
        Ok(())
    }

    fn table(&mut self, table: Table) {
        let Table {
            ident,
            source,
            mut entry,
            lowered,
        } = table;
        let place = (
            ident.clone(),
            self.whole.entries.get(&ident).map_or(0, Vec::len),
        );
        if let Some((name, lowered)) = lowered {
            match self.declared.get(&name) {
                Some((other, other_place)) => {
                    let message = |own: &str, other: &str| seen::Error {
                        place: seen::Place::Table,
                        message: format!(
                            "table `{}` is declared by `{own}` and by `{other}`; rename one with \
                             `#[table(name = \"...\")]`",
                            name.name
                        ),
                    };
                    entry.errors.push(message(&source, other));
                    let (other, other_place) = (message(other, &source), other_place.clone());
                    self.error(&other_place, other);
                    self.whole.is_incomplete = true;
                }
                None => {
                    self.declared.insert(name.clone(), (source, place));
                    self.add(name, lowered);
                }
            }
        }
        self.whole.entries.entry(ident).or_default().push(entry);
    }

    fn add(&mut self, name: QualifiedName, lowered: Lowered) {
        let whole = &mut self.whole;
        match lowered {
            Lowered::External(external) => {
                whole.schema.externals.insert(name, external);
            }
            Lowered::Own(lowered, renames) => {
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

    /// Tells each struct what the rules find in its table.
    fn rules(&mut self) {
        // What a missing table would have made right, or wrong, nobody knows.
        let is_whole = !self.whole.is_incomplete && !self.whole.is_partial;
        if is_whole {
            let entries = self.whole.entries.values_mut().flatten();
            for entry in entries.filter(|entry| !entry.unchecked) {
                entry.warnings = Some(Vec::new());
            }
        }
        for finding in rule::check(&self.whole.schema) {
            let rule::Finding {
                code,
                level,
                table,
                place,
                message,
            } = finding;
            let Some((_, (ident, index))) = self.declared.get(&table) else {
                continue;
            };
            let entries = self.whole.entries.get_mut(ident);
            let Some(entry) = entries.and_then(|entries| entries.get_mut(*index)) else {
                continue;
            };
            if level == rule::Level::Error {
                entry.errors.push(seen::Error { place, message });
                self.whole.is_incomplete = true;
            } else if let Some(warnings) = &mut entry.warnings {
                let code = code.to_owned();
                warnings.push(seen::Warning {
                    code,
                    place,
                    message,
                });
            }
        }
    }

    /// Verifies what has come together.
    fn finish(mut self) -> Whole {
        let is_incomplete = self.whole.is_incomplete;
        verify::settle_lookups(&mut self.whole.schema);
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
                        place: finding.column.into(),
                        message: finding.message,
                    },
                );
            }
            self.whole.is_incomplete = true;
        }
        self.rules();
        self.whole.declared = self
            .declared
            .into_iter()
            .map(|(name, (_, place))| (name, place))
            .collect();
        self.whole
    }
}
