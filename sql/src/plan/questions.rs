//! What two schemas do not tell: whether something was renamed, and what old rows hold in a new column.

mod columns;
mod partitions;
mod spelling;
mod tables;

use std::collections::BTreeSet;

use crate::schema::{QualifiedName, Renames, Schema, Table, TableRenames};

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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{Column, Expr, STEPWISE, Type};

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
        assert!(said.iter().all(|it| it.ends_with(STEPWISE)), "{said:?}");
    }

    #[test]
    fn columns_that_exchange_their_names_do_so_through_a_third_one() {
        let name = named("public", "a");
        let columns = ["n", "o"].map(|name| Column::new(name, Type::Int4));
        let from = schema([(name.clone(), columns.to_vec())]);
        let hints = TableRenames {
            columns: [("n", "o"), ("o", "n")]
                .map(|(new, old)| (new.to_owned(), old.to_owned()))
                .into(),
            ..TableRenames::default()
        };
        let renames = Renames {
            tables: [(name, hints)].into(),
        };
        let asked = ask(&from, &from, &renames, &BTreeSet::new()).expect_err("questions");
        assert_eq!(asked.len(), 2, "{asked:?}");
        assert!(
            asked.iter().all(|it| it.message.ends_with(STEPWISE)),
            "{asked:?}"
        );
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
