//! A membership as SQL: `shop = any (array(select m.shop from members m where m.user_id = …))`.
//!
//! The subselect reads nothing of the row, so it runs once a statement, along an index that begins with
//! what the scope is compared with, and what it found is compared with each row. Tied to the row it would
//! run once for each, and `in (select …)` and `exists (…)` keep the planner from the table's own index.
//!
//! It runs as whoever asks: the other table's own policies hold for it. Where those lead back, as they always do for
//! a table that is its own members', a function runs it instead; which those are only the whole schema tells.

use tabellion_sql::ident::quote;
use tabellion_sql::schema::{Lookup, QualifiedName, Type};

use proc_macro2::Ident;

use super::{Lower, equality};
use crate::ast::{Column, IndexColumn, Table, TypeRef};
use crate::check::has_room;
use crate::predicate::{Comparison, Membership, Value, plain};

impl Lower<'_> {
    /// The text, and the other table; none where there is no such table or field.
    ///
    /// Where it is negated, its query finds no NULL: `shop = any (…)` is NULL where one was found and no other is the
    /// shop, so that a row which names no shop would keep everyone out.
    pub(super) fn membership(
        &mut self,
        membership: &Membership,
        negated: bool,
    ) -> Option<(String, QualifiedName)> {
        let Some(other) = self.denote.table(&membership.table) else {
            self.missing("table", &membership.table.text(), "Table");
            return None;
        };
        let name = QualifiedName::new(&other.schema.value, &other.name.value);
        let row = plain(&membership.row);
        let row = quote(&row);
        let mut conditions = Vec::new();
        for (field, comparison, value, _) in &membership.rest {
            let Some(column) = other.column(field) else {
                // rustc says so, at its place.
                self.absent(format!("no field `{field}`"));
                continue;
            };
            self.room(other, column, value);
            let column_name = quote(&column.name.value);
            conditions.push(match value {
                Value::Scope(field)
                    if *comparison == Comparison::Eq
                        && equality::is_text(column)
                        && self.setting_is_text(field) =>
                {
                    let setting = self.setting_text(field);
                    equality::equal(other, column, Some(&row), &setting)
                }
                value => format!(
                    "{row}.{column_name} {} {}",
                    comparison.as_sql(),
                    self.value_for(value, Some(column))
                ),
            });
        }
        let tied = match other.column(&membership.field) {
            Some(column) => {
                self.of_one_collation(&membership.own, other, column);
                let tied = quote(&column.name.value);
                if negated && column.nullable {
                    conditions.push(format!("{row}.{tied} is not null"));
                }
                tied
            }
            None => {
                self.absent(format!("no field `{}`", membership.field));
                return None;
            }
        };
        self.index_of(other, membership);
        let own = self.value(&membership.own);
        let conditions = conditions.join(" and ");
        let query = format!("select {row}.{tied} from {name} {row} where {conditions}");
        let sql = format!("{own} = any (array({query}))");
        self.lookup(membership, other, query, &name);
        Some((sql, name))
    }

    /// The function that could run the query. Within it only PostgreSQL's own operators are found, so that every
    /// column has to be of a type that needs no others.
    fn lookup(
        &mut self,
        membership: &Membership,
        other: &Table,
        query: String,
        name: &QualifiedName,
    ) {
        let returned = |field: &Ident| match &other.column(field)?.ty {
            TypeRef::Known(ty) => Lookup::returned(ty),
            TypeRef::Enum(_) => Some(Type::Text),
            _ => None,
        };
        let is_own = |field: &Ident| {
            let column = other.column(field);
            column.is_some_and(|column| !matches!(column.ty, TypeRef::Stated(_)))
        };
        let Some(returns) = returned(&membership.field) else {
            return;
        };
        // What a function returns has the database's collation, and a setting has no other.
        let is_named = |column: &Column| column.collation.is_some();
        if !matches!(membership.own, Value::Column(_))
            && other.column(&membership.field).is_some_and(is_named)
        {
            return;
        }
        if !(membership.rest.iter()).all(|(field, ..)| is_own(field)) {
            return;
        }
        let (namespace, table) = (&self.table.schema.value, &other.name.value);
        let lookup = Lookup {
            query,
            returns,
            table: name.clone(),
        };
        let name = lookup.name(namespace, table, &plain(&membership.field));
        self.lookups.insert(name, lookup);
    }

    /// A number beyond the column's type; the derive, which sees its own struct alone, cannot tell.
    fn room(&mut self, other: &Table, column: &Column, value: &Value) {
        if let Value::Literal(literal, _) = value
            && let Some(ty) = column.ty.known()
            && !has_room(ty, literal)
        {
            self.unresolved.push(super::Unresolved {
                rustc_reports: false,
                message: format!(
                    "table `{}` compares column `{}` of `{}`, of type `{ty}`, with a number that the type has no room \
                     for; change the number or the type",
                    self.table.name.value, column.name.value, other.name.value
                ),
            });
        }
    }

    /// PostgreSQL refuses to compare texts of two named collations, and does so when it runs the comparison.
    fn of_one_collation(&mut self, own: &Value, other: &Table, column: &Column) {
        let own = match own {
            Value::Column(field) => self.table.column(field),
            _ => None,
        };
        let named = |column: &Column| column.collation.as_ref().map(|it| it.value.clone());
        // The one that is named counts, but for what a function returns, and no index of the other serves it.
        if let Some(own) = own
            && let Some(two) = named(column)
            && named(own) != Some(two)
        {
            self.unresolved.push(super::Unresolved {
                rustc_reports: false,
                message: format!(
                    "table `{}` compares its column `{}` with `{}` of `{}`, which has another collation; give both \
                     one `collate`",
                    self.table.name.value, own.name.value, column.name.value, other.name.value
                ),
            });
        }
    }

    /// Without an index that begins with what is known beforehand, every statement reads the whole of the
    /// other table.
    fn index_of(&mut self, other: &Table, membership: &Membership) {
        let known: Vec<String> = (membership.rest.iter())
            .filter(|(_, comparison, ..)| *comparison == Comparison::Eq)
            .map(|(field, ..)| plain(field))
            .collect();
        let mut first = (other.primary_key.first().into_iter())
            .chain(
                other
                    .uniques
                    .iter()
                    .filter_map(|unique| unique.columns.first()),
            )
            .chain(
                (other.indexes.iter())
                    .filter(|index| index.predicate.is_none() && index.method.value == "btree")
                    .filter_map(|index| index.columns.first().and_then(IndexColumn::field)),
            );
        if first.any(|field| known.contains(&plain(field))) {
            return;
        }
        let (table, by) = (&other.name.value, &known[0]);
        let tied = plain(&membership.field);
        self.unresolved.push(super::Unresolved {
            rustc_reports: false,
            message: format!(
                "table `{}` looks its members up in `{table}` by `{by}`, and no index of `{table}` begins with \
                 it; add `#[index(columns({by}, {tied}))]` to `{}`",
                self.table.name.value, other.ident
            ),
        });
    }
}
