//! What two schemas do not tell: whether something was renamed, and what old rows hold in a new column.

mod partitions;
mod spelling;

use std::collections::{BTreeMap, BTreeSet};

use crate::schema::{Column, QualifiedName, Renames, Schema, Table, TableRenames, cast, is_alike};

use super::change::keeps_computed;
use super::moves::Moves;
use super::{around, taken};

/// Something that only a person can tell; until then there is no draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The declared table at which to report it.
    pub table: QualifiedName,
    /// The declared column at which to report it, where one is to blame.
    pub column: Option<String>,
    /// The fact, then the remedies.
    pub message: String,
}

/// The renames that are settled. No migration drops the PostgreSQL schemas in `homes`, since extensions have lain there.
pub(super) fn ask(
    from: &Schema,
    to: &Schema,
    renames: &Renames,
    homes: &BTreeSet<String>,
) -> Result<Moves, Vec<Question>> {
    let mut asked = Asked {
        from,
        to,
        moves: Moves::default(),
        questions: Vec::new(),
    };
    let none = TableRenames::default();
    for (name, hints) in &renames.tables {
        asked.table_hint(name, hints);
    }
    for name in to.tables.keys() {
        let hints = renames.tables.get(name).unwrap_or(&none);
        if !from.tables.contains_key(name) && hints.from.is_none() && hints.replaces.is_none() {
            asked.maybe_renamed_table(name, renames);
        }
    }
    // Where it is open which table one continues, its columns say nothing yet.
    let open: BTreeSet<QualifiedName> = asked.questions.iter().map(|it| it.table.clone()).collect();
    for (name, after) in to.tables.iter().filter(|(name, _)| !open.contains(*name)) {
        let hints = renames.tables.get(name).unwrap_or(&none);
        if let Some(before) = asked.earlier(name) {
            asked.columns(name, before, after, hints);
        }
    }
    asked.questions.extend(around::ask(from, to, homes));
    asked
        .questions
        .extend(taken::on_the_way(from, to, &asked.moves));
    if asked.questions.is_empty() {
        Ok(asked.moves)
    } else {
        Err(asked.questions)
    }
}

struct Asked<'a> {
    from: &'a Schema,
    to: &'a Schema,
    moves: Moves,
    questions: Vec<Question>,
}

impl<'a> Asked<'a> {
    fn say(&mut self, table: &QualifiedName, column: Option<&str>, message: String) {
        self.questions.push(Question {
            table: table.clone(),
            column: column.map(str::to_owned),
            message,
        });
    }

    /// The sealed table that a declared one continues.
    fn earlier(&self, name: &QualifiedName) -> Option<&'a Table> {
        let renamed = self.moves.tables.iter().find(|(_, new)| *new == name);
        let old = renamed.map_or(name, |(old, _)| old);
        self.from.tables.get(old)
    }

    fn table_hint(&mut self, name: &QualifiedName, hints: &TableRenames) {
        let Some(old) = &hints.from else {
            return;
        };
        if !self.from.tables.contains_key(old) {
            // Sealed long since, where the table is there under its new name.
            if !self.from.tables.contains_key(name) && !self.from.tables.is_empty() {
                let message = format!(
                    "table `{}` is `renamed_from = \"{}\"`, and {}",
                    name.name,
                    spelling::escaped(&old.name),
                    spelling::remedy(self.from, old)
                );
                self.say(name, None, message);
            }
        } else if self.to.tables.contains_key(old) {
            self.say(
                name,
                None,
                format!(
                    "table `{}` is `renamed_from = \"{}\"`, and a struct still declares that table; \
                     leave it out, or rename in two migrations",
                    name.name, old.name
                ),
            );
        } else if let Some(other) = self.moves.tables.insert(old.clone(), name.clone()) {
            self.say(
                name,
                None,
                format!(
                    "tables `{other}` and `{name}` are both `renamed_from = \"{}\"`; keep one",
                    old.name
                ),
            );
        }
    }

    fn maybe_renamed_table(&mut self, name: &QualifiedName, renames: &Renames) {
        let new = &self.to.tables[name];
        let claimed = |old: &QualifiedName| {
            self.moves.tables.contains_key(old)
                || renames
                    .tables
                    .values()
                    .any(|hints| hints.replaces.as_ref() == Some(old))
        };
        let candidates: Vec<&QualifiedName> = self
            .from
            .tables
            .iter()
            .filter(|(old, before)| {
                let may_be = old.name == name.name || resembles(before, new);
                !self.to.tables.contains_key(*old) && !claimed(old) && may_be
            })
            .map(|(old, _)| old)
            .collect();
        // One that only lies elsewhere comes before one that is only alike.
        let mut namesakes = candidates.iter().filter(|old| old.name == name.name);
        if let Some(old) = namesakes.next().or(candidates.first()) {
            let why = match resembles(&self.from.tables[*old], new) {
                true => "their columns are alike",
                false => "both have the same name",
            };
            let old = spelling::written(old, &name.schema);
            let message = format!(
                "table `{}` is new, table `{old}` is gone, and {why}; if it is the same table write \
                 `#[table(renamed_from = \"{old}\")]`, if not `#[table(replaces = \"{old}\")]`",
                name.name
            );
            self.say(name, None, message);
        }
    }

    fn columns(
        &mut self,
        name: &QualifiedName,
        before: &Table,
        after: &Table,
        hints: &TableRenames,
    ) {
        let mut moved: BTreeMap<String, String> = BTreeMap::new();
        for (new, old) in &hints.columns {
            if before.column(old).is_none() {
                if before.column(new).is_none() {
                    let message = format!(
                        "column `{}.{new}` is `renamed_from = \"{old}\"`, and the sealed table has no such \
                         column; correct it, or leave it out",
                        name.name
                    );
                    self.say(name, Some(new), message);
                }
            } else if after.column(old).is_some() {
                let message = format!(
                    "column `{}.{new}` is `renamed_from = \"{old}\"`, and a field still declares that \
                     column; leave it out, or rename in two migrations",
                    name.name
                );
                self.say(name, Some(new), message);
            } else if moved.insert(old.clone(), new.clone()).is_some() {
                let message = format!(
                    "two columns of `{}` are `renamed_from = \"{old}\"`; keep one",
                    name.name
                );
                self.say(name, Some(new), message);
            }
        }
        let taken: BTreeSet<&String> = hints.replaced_columns.values().collect();
        // Those of which it is asked what they continue.
        let mut open: BTreeSet<&String> = BTreeSet::new();
        for new in &after.columns {
            let old = moved
                .iter()
                .find(|(_, to)| **to == new.name)
                .map(|(old, _)| old);
            match before.column(old.unwrap_or(&new.name)) {
                Some(old) => self.changed(name, old, new, before),
                None => {
                    let mut gone = before.columns.iter().filter(|old| {
                        after.column(&old.name).is_none()
                            && !moved.contains_key(&old.name)
                            && !taken.contains(&old.name)
                    });
                    let replaces = hints.replaced_columns.contains_key(&new.name);
                    let is_same = |old: &&Column| old.ty == new.ty;
                    let alike = gone.clone().find(is_same);
                    let alike = alike.or_else(|| gone.find(|old| may_become(old, new, before)));
                    match alike.filter(|_| !replaces) {
                        Some(old) => {
                            open.insert(&new.name);
                            self.maybe_renamed(name, old, new);
                        }
                        None => self.added(name, new),
                    }
                }
            }
        }
        let is_kept =
            |old: &String, new: &String| moved.get(old).unwrap_or(old) == new || open.contains(new);
        let is_same = match (&before.partition_by, &after.partition_by) {
            (Some(old), Some(new)) => {
                let mut columns = old.columns.iter().zip(&new.columns);
                old.strategy == new.strategy
                    && old.columns.len() == new.columns.len()
                    && columns.all(|(old, new)| is_kept(old, new))
            }
            (old, new) => old == new,
        };
        if !is_same {
            let message = format!(
                "table `{}` changes how it is partitioned, which PostgreSQL cannot do to a table; declare a \
                 new table beside it, and move the rows with `cargo tabellion new`",
                name.name
            );
            self.say(name, None, message);
        }
        if !moved.is_empty() {
            self.moves.columns.insert(name.clone(), moved);
        }
        self.partitions(name, before, after, hints);
    }

    fn maybe_renamed(&mut self, name: &QualifiedName, old: &Column, new: &Column) {
        let facts = match old.ty == new.ty {
            true => format!(
                "column `{}.{}` is new, column `{}` is gone, and both are `{}`",
                name.name, new.name, old.name, new.ty
            ),
            false => format!(
                "column `{}.{}`, which is `{}`, is new, and column `{}`, which was `{}`, is gone",
                name.name, new.name, new.ty, old.name, old.ty
            ),
        };
        let old = &old.name;
        let message = format!(
            "{facts}; if it is the same column write `#[column(renamed_from = \"{old}\")]`, if not \
             `#[column(replaces = \"{old}\")]`"
        );
        self.say(name, Some(&new.name), message);
    }

    /// A new column must have a value for the rows that are there.
    fn added(&mut self, name: &QualifiedName, new: &Column) {
        self.filled(name, new, "is new and not null");
    }

    fn filled(&mut self, name: &QualifiedName, new: &Column, what: &str) {
        let made = new.default.is_some() || new.generated.is_some() || new.computed.is_some();
        if !new.nullable && !made {
            let message = format!(
                "column `{}.{}` {what}, and says nothing about the rows that are there; give it a `default`, \
                 or make the field an `Option`",
                name.name, new.name
            );
            self.say(name, Some(&new.name), message);
        }
    }

    fn changed(&mut self, name: &QualifiedName, old: &Column, new: &Column, before: &Table) {
        if old.computed.is_some() || new.computed.is_some() {
            if new.computed.is_none() && !keeps_computed(old, new) {
                self.filled(name, new, "is no longer generated, and not null");
            }
            return;
        }
        let by = before.partition_by.iter().flat_map(|by| &by.columns);
        if (old.ty != new.ty || old.collation != new.collation)
            && by.into_iter().any(|column| *column == old.name)
        {
            let message = format!(
                "column `{}.{}` is part of the partition key, so that PostgreSQL cannot change its type or collation; declare \
                 a new table beside it, and move the rows with `cargo tabellion new`",
                name.name, new.name
            );
            self.say(name, Some(&new.name), message);
        } else if cast(&old.ty, &new.ty).is_none() || cast(&new.ty, &old.ty).is_none() {
            let message = format!(
                "column `{}.{}` changes from `{}` to `{}`, between which PostgreSQL has no cast; add a column \
                 of the new type, fill it with `cargo tabellion new`, and then drop this one",
                name.name, new.name, old.ty, new.ty
            );
            self.say(name, Some(&new.name), message);
        }
    }
}

/// Whether one column could be the other under a new name, with a type of the same kind, and its values kept.
fn may_become(old: &Column, new: &Column, before: &Table) -> bool {
    let mut key = before.partition_by.iter().flat_map(|by| &by.columns);
    let is_stored = old.computed.is_none() && new.computed.is_none();
    is_alike(&old.ty, &new.ty) && is_stored && !key.any(|column| *column == old.name)
}

/// Whether one table could be the other under a new name: at least half of the columns of the smaller
/// one are in both.
fn resembles(old: &Table, new: &Table) -> bool {
    let shared = old
        .columns
        .iter()
        .filter(|column| {
            new.column(&column.name)
                .is_some_and(|other| other.ty == column.ty)
        })
        .count();
    shared > 0 && shared * 2 >= old.columns.len().min(new.columns.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{Expr, Type};

    fn named(schema: &str, name: &str) -> QualifiedName {
        QualifiedName::new(schema, name)
    }

    fn schema<const N: usize>(tables: [(QualifiedName, Vec<Column>); N]) -> Schema {
        let mut schema = Schema::default();
        for (name, columns) in tables {
            let mut table = Table::new("shop::Sample");
            table.columns = columns;
            schema.tables.insert(name, table);
        }
        schema
    }

    fn said(from: &Schema, to: &Schema, hints: &[(QualifiedName, QualifiedName)]) -> Vec<String> {
        let mut renames = Renames::default();
        for (new, old) in hints {
            let hint = TableRenames {
                from: Some(old.clone()),
                ..TableRenames::default()
            };
            renames.tables.insert(new.clone(), hint);
        }
        let questions = ask(from, to, &renames, &BTreeSet::new())
            .err()
            .unwrap_or_default();
        questions.into_iter().map(|it| it.message).collect()
    }

    #[test]
    fn tables_that_exchange_their_names_say_nothing_of_their_columns() {
        let (a, b) = (named("public", "a"), named("public", "b"));
        let one = vec![Column::new("id", Type::Int8), Column::new("n", Type::Int4)];
        let other = vec![Column::new("id", Type::Int8), Column::new("t", Type::Text)];
        let from = schema([(a.clone(), one.clone()), (b.clone(), other.clone())]);
        let to = schema([(a.clone(), other), (b.clone(), one)]);
        let said = said(&from, &to, &[(a.clone(), b.clone()), (b, a)]);
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said.iter().all(|it| it.starts_with("table ")), "{said:?}");
    }

    #[test]
    fn an_earlier_name_in_another_schema_is_found() {
        let columns = vec![Column::new("id", Type::Int8)];
        let from = schema([(named("public", "old"), columns.clone())]);
        let new = named("shop", "new");
        let to = schema([(new.clone(), columns)]);
        assert_eq!(
            said(&from, &to, &[(new, named("shop", "old"))]),
            [
                "table `new` is `renamed_from = \"old\"`, and no sealed table of schema `shop` has that name; \
                 write `renamed_from = \"public.old\"`"
            ]
        );
    }

    #[test]
    fn a_column_of_another_type_of_its_kind_may_be_the_old_one() {
        let asked = |old: &str, new: &str| {
            let name = named("public", "a");
            let column = |name: &str, ty: &str| Column {
                nullable: true,
                ..Column::new(name, ty.parse().expect("a type"))
            };
            let from = schema([(name.clone(), vec![column("o", old)])]);
            let to = schema([(name, vec![column("n", new)])]);
            said(&from, &to, &[])
        };
        assert_eq!(
            asked("text", "varchar(30)"),
            [
                "column `a.n`, which is `varchar(30)`, is new, and column `o`, which was `text`, is gone; if it is \
                 the same column write `#[column(renamed_from = \"o\")]`, if not `#[column(replaces = \"o\")]`"
            ]
        );
        for (old, new) in [
            ("integer", "bigint"),
            ("numeric(5, 2)", "double precision"),
            ("timestamp", "timestamptz"),
            ("date", "timestamp(3)"),
            ("json", "jsonb"),
            ("citext", "char(3)"),
            ("integer[]", "bigint[]"),
            ("time(3)", "time"),
        ] {
            assert_eq!(asked(old, new).len(), 1, "{old} {new}");
            assert_eq!(asked(new, old).len(), 1, "{new} {old}");
        }
        for (old, new) in [
            ("text", "integer"),
            ("text", "jsonb"),
            ("date", "time"),
            ("integer", "integer[]"),
            ("uuid", "text"),
        ] {
            assert_eq!(asked(old, new), [""; 0], "{old} {new}");
        }
    }

    #[test]
    fn of_the_columns_that_are_gone_the_one_of_the_same_type_is_asked_about() {
        let name = named("public", "a");
        let column = |name: &str, ty: Type| Column {
            nullable: true,
            ..Column::new(name, ty)
        };
        let gone = vec![column("i", Type::Int4), column("l", Type::Int8)];
        let from = schema([(name.clone(), gone)]);
        let to = schema([(name, vec![column("n", Type::Int8)])]);
        let said = said(&from, &to, &[]);
        assert!(
            said[0].contains("column `l` is gone, and both are `bigint`"),
            "{said:?}"
        );
    }

    #[test]
    fn a_table_of_one_name_may_have_moved_whatever_its_columns() {
        let columns = |name: &str| vec![Column::new(name, Type::Int8)];
        let from = schema([(named("public", "tasks"), columns("id"))]);
        let to = schema([(named("app", "tasks"), columns("key"))]);
        assert_eq!(
            said(&from, &to, &[]),
            [
                "table `tasks` is new, table `public.tasks` is gone, and both have the same name; if it is the same \
                 table write `#[table(renamed_from = \"public.tasks\")]`, if not `#[table(replaces = \"public.tasks\")]`"
            ]
        );
    }

    #[test]
    fn a_column_that_is_no_longer_generated_is_not_new() {
        let name = named("public", "a");
        let computed = Column {
            nullable: true,
            computed: Some(Expr::new("1", [""; 0])),
            ..Column::new("n", Type::Int4)
        };
        let from = schema([(name.clone(), vec![computed])]);
        let to = schema([(name, vec![Column::new("n", Type::Int4)])]);
        assert_eq!(
            said(&from, &to, &[]),
            [
                "column `a.n` is no longer generated, and not null, and says nothing about the rows that are \
                 there; give it a `default`, or make the field an `Option`"
            ]
        );
    }
}
