//! Predicates: what they name, and what may stand in the place where they stand.

use proc_macro2::Ident;
use tabellion_sql::raw::{self, Clause};
use tabellion_sql::schema::Type;

use super::column::has_room;
use super::keys::known;
use super::types;
use crate::Report;
use crate::ast::{Column, Rls, Table, TypeRef};
use crate::predicate::{Literal, Node, Predicate, SpanOf, Value, plain};

/// A predicate, what it is part of, for messages, and what may stand there.
struct Place<'a> {
    what: String,
    clause: Clause,
    predicate: &'a Predicate,
}

fn all(table: &Table) -> Vec<Place<'_>> {
    let mut all = Vec::new();
    let name = &table.name.value;
    for index in &table.indexes {
        all.extend(index.predicate.iter().map(|predicate| Place {
            what: format!("index `{}` on `{name}`: `where`", index.name.value),
            clause: Clause::IndexWhere,
            predicate,
        }));
    }
    for exclusion in &table.exclusions {
        all.extend(exclusion.predicate.iter().map(|predicate| Place {
            what: format!(
                "exclusion constraint `{}` on `{name}`: `where`",
                exclusion.name.value
            ),
            clause: Clause::IndexWhere,
            predicate,
        }));
    }
    for check in &table.checks {
        all.push(Place {
            what: format!("check `{}` on `{name}`: it", check.name.value),
            clause: Clause::Check,
            predicate: &check.predicate,
        });
    }
    if let Rls::Policies(policies) = &table.rls {
        for policy in policies {
            for (clause, predicate) in [("using", &policy.using), ("check", &policy.check)] {
                all.extend(predicate.iter().map(|predicate| Place {
                    what: format!("policy `{}` on `{name}`: `{clause}`", policy.name.value),
                    clause: Clause::Policy,
                    predicate,
                }));
            }
        }
    }
    all
}

pub(super) fn predicates(table: &Table, report: &mut Report) {
    // `#[tenant]` makes four predicates of one: a name is reported once.
    let mut reported: Vec<&Ident> = Vec::new();
    for place in all(table) {
        match place.predicate {
            Predicate::Sql(sql, span) => sql_text(table, &place, sql, *span, report),
            Predicate::Typed(node) => {
                condition(table, &place, node, report);
                memberships(&place, report);
                for value in place.predicate.values() {
                    match value {
                        Value::Column(field) if table.column(field).is_none() => {
                            if !reported.contains(&field) {
                                unknown(table, field, report);
                                reported.push(field);
                            }
                        }
                        value => allowed(&place, value, report),
                    }
                }
            }
        }
    }
}

fn sql_text(table: &Table, place: &Place<'_>, sql: &str, span: SpanOf, report: &mut Report) {
    let columns: Vec<&str> = table
        .columns
        .iter()
        .map(|column| column.name.value.as_str())
        .collect();
    let what = &place.what;
    match raw::expression(sql, &table.name.value, &columns) {
        Err(messages) => {
            for message in messages {
                report.at(
                    span.0,
                    format!("{what} is not a valid SQL expression: {message}"),
                );
            }
        }
        Ok(_) => {
            let types = types(table);
            let refused = raw::refused(sql, place.clause).into_iter();
            for refused in refused.chain(raw::mistyped(sql, place.clause, &types)) {
                report.at(span.0, format!("{what} cannot {refused}"));
            }
            if let Some(found) = raw::no_condition(sql, &types) {
                report.at(span.0, no_condition(what, &found));
            }
        }
    }
}

fn no_condition(what: &str, found: &str) -> String {
    format!("{what} needs a condition, and found {found}; compare it, as in `level > 0`")
}

/// A name that is no column, where it is a word of Rust rather than a slip.
fn unknown(table: &Table, field: &Ident, report: &mut Report) {
    match plain(field).as_str() {
        "scope" => report.at(
            field.span(),
            "the scope is not a value; name one of its fields, as in `scope.field`",
        ),
        "None" => report.at(
            field.span(),
            "nothing is equal to NULL; write `is_null()` or `is_not_null()`",
        ),
        _ => {
            known(table, field, report);
        }
    }
}

fn allowed(place: &Place<'_>, value: &Value, report: &mut Report) {
    let what = &place.what;
    match value {
        Value::Scope(field) if place.clause != Clause::Policy => report.at(
            field.span(),
            format!("{what} cannot read the scope; only a policy can"),
        ),
        Value::Now(span) if place.clause != Clause::Policy => report.at(
            span.0,
            format!("{what} cannot call `now()`, which changes; only a policy or a default can"),
        ),
        Value::RandomUuid(span) => report.at(
            span.0,
            format!("{what} cannot call `gen_random_uuid()`, which changes; only a default can"),
        ),
        _ => {}
    }
}

/// What is true or false, as far as names and literals tell; rustc tells the rest.
fn condition(table: &Table, place: &Place<'_>, node: &Node, report: &mut Report) {
    match node {
        Node::And(a, b) | Node::Or(a, b) => {
            condition(table, place, a, report);
            condition(table, place, b, report);
        }
        Node::Not(a) => condition(table, place, a, report),
        Node::Truth(value) => {
            let found = match value {
                Value::Literal(Literal::Bool(_), _) => return,
                Value::Literal(Literal::Str(_), _) => "a text".to_owned(),
                Value::Literal(..) => "a number".to_owned(),
                Value::Now(_) => "a time".to_owned(),
                Value::RandomUuid(_) => "a UUID".to_owned(),
                Value::Column(field) => match table.column(field).map(|column| &column.ty) {
                    Some(TypeRef::Known(ty)) if *ty != Type::Bool => {
                        format!("column `{}` of type `{ty}`", plain(field))
                    }
                    _ => return,
                },
                // rustc knows what these are.
                Value::Scope(_) | Value::Variant(_) => return,
            };
            report.at(value.span(), no_condition(&place.what, &found));
        }
        Node::Compare(comparison, a, b, _) => {
            says_something(place, &[a, b], report);
            room(table, place, a, b, report);
            room(table, place, b, a, report);
            comparable(table, place, &[a, b], comparison.is_ordering(), report);
        }
        Node::In(a, list) => {
            let all: Vec<&Value> = std::iter::once(a).chain(list).collect();
            says_something(place, &all, report);
            for value in list {
                room(table, place, a, value, report);
                room(table, place, value, a, report);
            }
            comparable(table, place, &all, false, report);
        }
        Node::Null(a, _) => says_something(place, &[a], report),
        Node::Exists(_) => {}
    }
}

/// What is the same for everybody decides for all rows, and PostgreSQL cannot plan some of it: `now() = now()`.
fn says_something(place: &Place<'_>, values: &[&Value], report: &mut Report) {
    let reads = |value: &&Value| matches!(value, Value::Column(_) | Value::Scope(_));
    if let Some(last) = values.last()
        && !values.iter().any(reads)
    {
        let what = &place.what;
        report.at(
            last.span(),
            format!(
                "{what} has a condition that reads neither a column nor the scope; name a column"
            ),
        );
    }
}

/// A literal is a number of the column's type, as rustc has it; beyond a float PostgreSQL raises an error.
fn room(table: &Table, place: &Place<'_>, value: &Value, other: &Value, report: &mut Report) {
    let (Value::Literal(literal, span), Value::Column(field)) = (value, other) else {
        return;
    };
    if let Some(column) = table.column(field)
        && let Some(ty) = column.ty.known()
        && !has_room(ty, literal)
    {
        let what = &place.what;
        report.at(
            span.0,
            format!(
                "{what} compares column `{}` of type `{ty}` with a number that the type has no room for; change the \
                 number or the type",
                column.name.value
            ),
        );
    }
}

/// Types without an operator `=`, and those without `<` either.
/// Source: `pg_operator` of PostgreSQL 15.
const UNEQUAL: [&str; 5] = ["json", "jsonpath", "xml", "point", "polygon"];
const UNORDERED: [&str; 3] = ["line", "xid", "cid"];

/// What is compared has an operator, and one collation.
fn comparable(
    table: &Table,
    place: &Place<'_>,
    values: &[&Value],
    is_ordering: bool,
    report: &mut Report,
) {
    let mut collated: Option<(&str, &Column)> = None;
    for value in values {
        let Value::Column(field) = value else {
            continue;
        };
        let Some(column) = table.column(field) else {
            continue;
        };
        let what = &place.what;
        if let TypeRef::Stated(Type::Named(ty)) = &column.ty {
            let plain = ty.to_ascii_lowercase();
            let is = |list: &[&str]| list.contains(&plain.as_str());
            if is(&UNEQUAL) || is_ordering && is(&UNORDERED) {
                let advice = match plain.as_str() {
                    "json" => "make it `jsonb`",
                    _ => "say it in `sql(\"...\")`",
                };
                report.at(
                    field.span(),
                    format!(
                        "{what} compares column `{}` of type `{ty}`, for which PostgreSQL has no such operator; {advice}",
                        column.name.value
                    ),
                );
            }
        }
        let Some(collation) = &column.collation else {
            continue;
        };
        match collated {
            None => collated = Some((&collation.value, column)),
            Some((first, of)) if first != collation.value => report.at(
                field.span(),
                format!(
                    "{what} compares columns `{}` and `{}` of two collations, which PostgreSQL cannot; \
                     give both one `collate`",
                    of.name.value, column.name.value
                ),
            ),
            Some(_) => {}
        }
    }
}

/// Where a membership may stand.
fn memberships(place: &Place<'_>, report: &mut Report) {
    if place.clause == Clause::Policy {
        return;
    }
    let what = &place.what;
    for membership in place.predicate.memberships() {
        report.at(
            membership.span.0,
            format!("{what} cannot read another table; only a policy can"),
        );
    }
}
