//! What one struct can hold wrong, beyond what parsing an attribute shows. A function for each rule.

use std::collections::BTreeMap;

use proc_macro2::{Ident, Span};
use tabellion_sql::ident::MAX_BYTES;
use tabellion_sql::raw;
use tabellion_sql::schema::{Command, Generated, Type};

use crate::Report;
use crate::ast::{At, Column, Default, Policy, Rls, Table, TypeRef};
use crate::attr::ColumnAttr;
use crate::lower::enum_check;
use crate::predicate::{Literal, Node, Predicate, Value, plain};

/// Every rule about a whole struct.
pub(crate) fn table(table: &Table, report: &mut Report) {
    rls(table, report);
    names(table, report);
    duplicates(table, report);
    if table.columns.is_empty() {
        report.at(
            table.ident.span(),
            format!("table `{}` has no columns; add a field", table.name.value),
        );
    }
    keys(table, report);
    indexes(table, report);
    predicates(table, report);
    policies(table, report);
}

/// No table without an answer on row-level security.
fn rls(table: &Table, report: &mut Report) {
    if let Rls::Missing = table.rls {
        report.at(
            table.ident.span(),
            format!(
                "table `{}` has no row-level security; add a `#[policy(...)]`, `#[tenant(...)]`, \
                 or `#[no_rls(reason = \"...\")]`",
                table.name.value
            ),
        );
    }
}

/// The columns that every table has already.
/// Source: https://www.postgresql.org/docs/15/ddl-system-columns.html
const SYSTEM_COLUMNS: [&str; 6] = ["tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"];

fn names(table: &Table, report: &mut Report) {
    name("table", &table.name, report);
    name("schema", &table.schema, report);
    let schema = table.schema.value.as_str();
    if schema.starts_with("pg_") || matches!(schema, "information_schema" | "tabellion") {
        report.at(
            table.schema.span,
            format!("schema `{schema}` is reserved; use another one"),
        );
    }
    for column in &table.columns {
        name("column", &column.name, report);
        if SYSTEM_COLUMNS.contains(&column.name.value.as_str()) {
            report.at(
                column.name.span,
                format!(
                    "`{}` is a system column of every table; rename it with `#[column(name = \"...\")]`",
                    column.name.value
                ),
            );
        }
    }
    for index in &table.indexes {
        name("index", &index.name, report);
        if syn::parse_str::<Ident>(&index.finder.value).is_err() {
            report.at(
                index.finder.span,
                format!(
                    "finder `{}` is not a Rust identifier; rename it",
                    index.finder.value
                ),
            );
        }
    }
    for (kind, names) in constraint_names(table) {
        for at in names {
            name(kind, at, report);
        }
    }
    if let Rls::Policies(policies) = &table.rls {
        for policy in policies {
            name("policy", &policy.name, report);
        }
    }
}

fn constraint_names(table: &Table) -> [(&'static str, Vec<&At<String>>); 3] {
    [
        (
            "unique constraint",
            table.uniques.iter().map(|unique| &unique.name).collect(),
        ),
        (
            "check",
            table.checks.iter().map(|check| &check.name).collect(),
        ),
        (
            "foreign key",
            table.foreign_keys.iter().map(|key| &key.name).collect(),
        ),
    ]
}

/// A name that PostgreSQL would refuse, or cut short without an error.
pub(crate) fn name(kind: &str, at: &At<String>, report: &mut Report) {
    let name = &at.value;
    if name.is_empty() {
        report.at(at.span, format!("the {kind}'s name is empty; give it one"));
    } else if name.contains('\0') {
        report.at(
            at.span,
            format!("the {kind}'s name holds a NUL character; remove it"),
        );
    } else if name.contains(['\n', '\r']) {
        report.at(
            at.span,
            format!("the {kind}'s name holds a line break; remove it"),
        );
    } else if name.len() > MAX_BYTES {
        report.at(
            at.span,
            format!(
                "{kind} name `{name}` is {} bytes long, and PostgreSQL cuts names at {MAX_BYTES}; shorten it",
                name.len()
            ),
        );
    }
}

fn duplicates(table: &Table, report: &mut Report) {
    let table_name = &table.name.value;
    let mut twice = |kind: &str, names: &mut dyn Iterator<Item = &At<String>>| {
        let mut seen = BTreeMap::new();
        for at in names {
            if seen.insert(at.value.clone(), ()).is_some() {
                report.at(
                    at.span,
                    format!(
                        "table `{table_name}` has two {kind} named `{}`; rename one",
                        at.value
                    ),
                );
            }
        }
    };
    twice(
        "columns",
        &mut table.columns.iter().map(|column| &column.name),
    );
    twice(
        "indexes",
        &mut table.indexes.iter().map(|index| &index.name),
    );
    twice(
        "finders",
        &mut table.indexes.iter().map(|index| &index.finder),
    );
    let constraints = constraint_names(table);
    let enums: Vec<At<String>> = table
        .columns
        .iter()
        .filter(|column| matches!(column.ty, TypeRef::Enum(_) | TypeRef::EnumArray(_)))
        .map(|column| At::new(enum_check(table_name, &column.name.value), column.name.span))
        .collect();
    twice(
        "constraints",
        &mut constraints
            .iter()
            .flat_map(|(_, names)| names.iter().copied())
            .chain(&enums),
    );
    if let Rls::Policies(policies) = &table.rls {
        twice("policies", &mut policies.iter().map(|policy| &policy.name));
    }
}

/// A name that stands for no field, in the words that every other unknown column gets.
fn known(table: &Table, field: &Ident, report: &mut Report) -> bool {
    let found = table.column(field).is_some();
    if !found {
        let fields: Vec<String> = table
            .columns
            .iter()
            .map(|column| plain(&column.ident))
            .collect();
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        report.at(
            field.span(),
            raw::unknown_column(&plain(field), &table.name.value, &fields),
        );
    }
    found
}

/// Whether every field exists and none stands twice.
fn listed<'a>(
    table: &Table,
    what: &str,
    fields: impl Iterator<Item = &'a Ident>,
    report: &mut Report,
) {
    let mut seen: Vec<&Ident> = Vec::new();
    for field in fields {
        if known(table, field, report) && seen.contains(&field) {
            report.at(
                field.span(),
                format!(
                    "column `{}` stands twice in {what}; remove one",
                    plain(field)
                ),
            );
        }
        seen.push(field);
    }
}

fn keys(table: &Table, report: &mut Report) {
    listed(table, "the primary key", table.primary_key.iter(), report);
    for field in &table.primary_key {
        if let Some(column) = table.column(field)
            && column.nullable
        {
            report.at(
                field.span(),
                format!(
                    "primary key column `{}` is an `Option`, and a primary key is never NULL; remove the `Option`",
                    column.name.value
                ),
            );
        }
    }
    for unique in &table.uniques {
        listed(
            table,
            "the unique constraint",
            unique.columns.iter(),
            report,
        );
    }
    for key in &table.foreign_keys {
        listed(table, "the foreign key", key.columns.iter(), report);
    }
}

/// PostgreSQL's limit on the columns of an index (INDEX_MAX_KEYS).
const MAX_INDEX_COLUMNS: usize = 32;

fn indexes(table: &Table, report: &mut Report) {
    for index in &table.indexes {
        listed(
            table,
            &format!("index `{}`", index.name.value),
            index.columns.iter().map(|column| &column.field),
            report,
        );
        if index.columns.len() > MAX_INDEX_COLUMNS {
            report.at(
                index.name.span,
                format!(
                    "index `{}` has {} columns, and PostgreSQL allows {MAX_INDEX_COLUMNS}; drop some",
                    index.name.value,
                    index.columns.len()
                ),
            );
        }
    }
}

/// Every predicate of the struct: what it is part of, for messages, and whether it may read the scope.
fn all_predicates(table: &Table) -> Vec<(String, &Predicate, bool)> {
    let mut all = Vec::new();
    let name = &table.name.value;
    for index in &table.indexes {
        all.extend(index.predicate.iter().map(|predicate| {
            (
                format!("index `{}` on `{name}`: `where`", index.name.value),
                predicate,
                false,
            )
        }));
    }
    for check in &table.checks {
        all.push((
            format!("check `{}` on `{name}`: it", check.name.value),
            &check.predicate,
            false,
        ));
    }
    if let Rls::Policies(policies) = &table.rls {
        for policy in policies {
            for (clause, predicate) in [("using", &policy.using), ("check", &policy.check)] {
                all.extend(predicate.iter().map(|predicate| {
                    let place = format!("policy `{}` on `{name}`: `{clause}`", policy.name.value);
                    (place, predicate, true)
                }));
            }
        }
    }
    all
}

fn predicates(table: &Table, report: &mut Report) {
    let columns: Vec<&str> = table
        .columns
        .iter()
        .map(|column| column.name.value.as_str())
        .collect();
    let mut reported: Vec<Ident> = Vec::new();
    for (place, predicate, scoped) in all_predicates(table) {
        if let Predicate::Sql(sql, span) = predicate {
            if let Err(messages) = raw::expression(sql, &table.name.value, &columns) {
                for message in messages {
                    report.at(
                        span.0,
                        format!("{place} is not a valid SQL expression: {message}"),
                    );
                }
            }
            continue;
        }
        for value in predicate.values() {
            match value {
                Value::Column(field) => {
                    // `#[tenant]` makes four predicates of one: a name is reported once.
                    let again =
                        table.column(field).is_none() && reported.iter().any(|seen| seen == field);
                    if !again && !known(table, field, report) {
                        reported.push(field.clone());
                    }
                }
                Value::Scope(field) if !scoped => report.at(
                    field.span(),
                    format!("{place} cannot read the scope; only a policy can"),
                ),
                Value::Now(span) if !scoped => report.at(
                    span.0,
                    format!(
                        "{place} cannot call `now()`, which changes; only a policy or a default can"
                    ),
                ),
                Value::RandomUuid(span) => report.at(
                    span.0,
                    format!(
                        "{place} cannot call `gen_random_uuid()`, which changes; only a default can"
                    ),
                ),
                _ => {}
            }
        }
    }
}

fn policies(table: &Table, report: &mut Report) {
    let needs_role = match &table.rls {
        Rls::Policies(policies) => policies.first().map(|policy| policy.name.span),
        Rls::None { allow, .. } if !allow.is_empty() => Some(table.name.span),
        _ => None,
    };
    if let (Some(span), None) = (needs_role, &table.scope) {
        report.at(
            span,
            format!(
                "table `{}` says what is allowed but not to whom; add `scope = ...` to `#[table(...)]`",
                table.name.value
            ),
        );
    }
    let Rls::Policies(policies) = &table.rls else {
        return;
    };
    one_per_command(table, policies, report);
    for policy in policies {
        update_sees_all(table, policy, report);
    }
}

/// Two permissive policies for one command make an OR that no index serves.
fn one_per_command(table: &Table, policies: &[Policy], report: &mut Report) {
    for command in Command::ALL {
        let mut both = policies
            .iter()
            .filter(|policy| policy.command.is_none_or(|allowed| allowed == command));
        if let (Some(first), Some(second)) = (both.next(), both.next()) {
            let whole = first.command.is_none() && second.command.is_none();
            if whole && command != Command::Select {
                continue; // two `all` policies clash on every command: once is enough
            }
            report.at(
                second.name.span,
                format!(
                    "table `{}` has two policies for `{command}`: `{}` and `{}`; combine them with `||` in one",
                    table.name.value, first.name.value, second.name.value
                ),
            );
        }
    }
}

/// `UPDATE … USING (true)`: without WHERE and RETURNING it never consults the SELECT policy.
fn update_sees_all(table: &Table, policy: &Policy, report: &mut Report) {
    let allows_update = policy
        .command
        .is_none_or(|command| command == Command::Update);
    let sees_all = match &policy.using {
        Some(Predicate::Typed(Node::Truth(Value::Literal(Literal::Bool(true), _)))) => true,
        Some(Predicate::Sql(sql, _)) => sql.trim().eq_ignore_ascii_case("true"),
        _ => false,
    };
    if allows_update && sees_all {
        report.at(
            policy.name.span,
            format!(
                "policy `{}` on `{}` lets an update reach every row, whatever SELECT allows; \
                 name the rows in `using`",
                policy.name.value, table.name.value
            ),
        );
    }
}

/// Every rule about one field.
pub(crate) fn column(column: &Column, attr: &ColumnAttr, report: &mut Report) {
    let name = &column.name.value;
    let field = plain(&column.ident);
    if let [first, second, ..] = attr.generated.as_slice() {
        let _ = first;
        report.at(
            second.span,
            format!("column `{name}` is numbered twice; keep `serial` or `identity`"),
        );
    }
    if let Some(generated) = attr.generated.first() {
        let word = match generated.value {
            Generated::Serial => "serial",
            _ => "identity",
        };
        if !is_integer(&column.ty) {
            report.at(
                generated.span,
                format!("`{word}` numbers rows, and column `{name}` is no integer; use `i16`, `i32` or `i64`"),
            );
        }
        if column.nullable {
            report.at(
                generated.span,
                format!("`{word}` makes column `{name}` NOT NULL; remove the `Option` from field `{field}`"),
            );
        }
        if let Some(default) = &column.default {
            report.at(
                default.span,
                format!("column `{name}` is `{word}`, which is its default; remove `default`"),
            );
        }
    }
    if let Some(action) = &attr.on_delete
        && attr.references.is_none()
    {
        report.at(
            action.span,
            format!("`on_delete` on column `{name}` needs a foreign key; add `references = ...`"),
        );
    }
    if let (Some(stated), Some(numeric)) = (&attr.stated, &attr.numeric) {
        let _ = stated;
        report.at(
            numeric.span,
            format!("column `{name}` has two types; keep `type` or `numeric`"),
        );
    }
    if let Some(default) = &column.default {
        default_fits(column, default, report);
    }
}

fn is_integer(ty: &TypeRef) -> bool {
    matches!(
        ty,
        TypeRef::Known(Type::Int2 | Type::Int4 | Type::Int8)
            | TypeRef::Stated(Type::Int2 | Type::Int4 | Type::Int8)
    )
}

/// A default that PostgreSQL would refuse, or would read as something else.
fn default_fits(column: &Column, default: &At<Default>, report: &mut Report) {
    let name = &column.name.value;
    let value = match &default.value {
        Default::Sql(sql) => {
            if let Err(messages) = raw::expression(sql, name, &[]) {
                for message in messages {
                    let message = match message.starts_with("no column") {
                        true => "a default cannot read a column".to_owned(),
                        false => message,
                    };
                    report.at(
                        default.span,
                        format!(
                            "default of column `{name}` is not a valid SQL expression: {message}"
                        ),
                    );
                }
            }
            return;
        }
        Default::Value(value) => value,
    };
    let ty = match &column.ty {
        TypeRef::Known(ty) => ty,
        TypeRef::Stated(_) => return,
        TypeRef::Enum(path) => {
            if !matches!(value, Value::Variant(_)) {
                misfit(
                    name,
                    default.span,
                    &format!("is `{}`; use one of its variants", path.text()),
                    report,
                );
            }
            return;
        }
        TypeRef::EnumArray(_) => {
            misfit(
                name,
                default.span,
                "is an array; write `sql(\"...\")`",
                report,
            );
            return;
        }
    };
    let fits = match value {
        Value::Literal(Literal::Bool(_), _) => *ty == Type::Bool,
        Value::Literal(Literal::Str(_), _) => *ty == Type::Text,
        Value::Literal(Literal::Int(digits), _) => match ty {
            Type::Int2 => digits.parse::<i16>().is_ok(),
            Type::Int4 => digits.parse::<i32>().is_ok(),
            Type::Int8 => digits.parse::<i64>().is_ok(),
            Type::Float4 | Type::Float8 | Type::Numeric(_) => true,
            _ => false,
        },
        Value::Literal(Literal::Float(_), _) => {
            matches!(ty, Type::Float4 | Type::Float8 | Type::Numeric(_))
        }
        Value::Now(_) => matches!(
            ty,
            Type::Timestamptz | Type::Timestamp | Type::Date | Type::Time
        ),
        Value::RandomUuid(_) => *ty == Type::Uuid,
        Value::Variant(_) | Value::Column(_) | Value::Scope(_) => false,
    };
    if !fits {
        let type_name = ty.internal_name();
        misfit(
            name,
            default.span,
            &format!("is `{type_name}`; use a value of that type, or `sql(\"...\")`"),
            report,
        );
    }
}

fn misfit(column: &str, span: Span, rest: &str, report: &mut Report) {
    report.at(
        span,
        format!("the default does not fit column `{column}`, which {rest}"),
    );
}
