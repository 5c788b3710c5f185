//! Names: what PostgreSQL would refuse, cut short, or find twice.

use std::collections::BTreeMap;

use proc_macro2::{Ident, Span};
use tabellion_sql::ident::MAX_BYTES;

use crate::Report;
use crate::ast::{At, IndexColumn, Rls, Table, TypeRef};
use crate::lower::{enum_check, primary_key};
use crate::predicate::plain;

/// A name that PostgreSQL would refuse, or cut short without an error.
pub(crate) fn name(kind: &str, at: &At<String>, report: &mut Report) {
    let name = &at.value;
    let mut bytes = 0;
    // Most names are none of all this; one look at each byte is all that they cost.
    while bytes < name.len() && !matches!(name.as_bytes()[bytes], b'\0' | b'\n' | b'\r') {
        bytes += 1;
    }
    if bytes == name.len() && (1..=MAX_BYTES).contains(&bytes) {
        return;
    }
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

/// A text that PostgreSQL could not hold.
pub(crate) fn no_nul(what: &str, text: Option<&String>, span: Span, report: &mut Report) {
    if text.is_some_and(|text| text.contains('\0')) {
        report.at(span, format!("{what} holds a NUL character; remove it"));
    }
}

/// The columns that every table has already.
/// Source: https://www.postgresql.org/docs/15/ddl-system-columns.html
const SYSTEM_COLUMNS: [&str; 6] = ["tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"];

/// What every table can do already: a finder of such a name would hide it.
const TAKEN: [&str; 6] = [
    "find",
    "insert",
    "update",
    "delete",
    "unindexed",
    "from_row",
];

pub(super) fn names(table: &Table, report: &mut Report) {
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
        if let Some(finder) = &index.finder {
            self::finder(finder, report);
        }
        for part in &index.columns {
            parts(part, report);
        }
    }
    for partition in &table.partitions {
        name("partition", &partition.name, report);
    }
    let elements = table.exclusions.iter().flat_map(|it| &it.elements);
    for (part, _) in elements {
        parts(part, report);
    }
    for (kind, names) in constraints(table) {
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

/// The names that a part of an index's key gives.
fn parts(part: &IndexColumn, report: &mut Report) {
    if let Some(collation) = &part.collation {
        name("collation", collation, report);
    }
    if let Some(opclass) = &part.opclass {
        name("operator class", opclass, report);
    }
}

/// A finder is a function of its name.
fn finder(finder: &At<String>, report: &mut Report) {
    let name = finder.value.as_str();
    // Parsing alone would accept `r#type`, and blanks around a name.
    let is_identifier =
        syn::parse_str::<Ident>(name).is_ok_and(|ident| ident == name && plain(&ident) == name);
    if !is_identifier {
        report.at(
            finder.span,
            format!("finder `{name}` is not a Rust identifier; rename it"),
        );
    } else if TAKEN.contains(&name) {
        report.at(
            finder.span,
            format!("finder `{name}` would hide the `{name}` of every table; rename it"),
        );
    }
}

const EXCLUSION: &str = "exclusion constraint";

fn constraints(table: &Table) -> [(&'static str, Vec<&At<String>>); 4] {
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
        (
            EXCLUSION,
            table.exclusions.iter().map(|it| &it.name).collect(),
        ),
    ]
}

pub(super) fn duplicates(table: &Table, report: &mut Report) {
    let mut columns = Names::new(table, report);
    for column in &table.columns {
        columns.add(&column.name, "column");
    }
    constants(table, report);
    finders(table, report);
    relations_and_constraints(table, report);
    if let Rls::Policies(policies) = &table.rls {
        let mut names = Names::new(table, report);
        for policy in policies {
            names.add(&policy.name, "policy");
        }
    }
}

/// Each column has a constant, named after its field in capitals.
fn constants(table: &Table, report: &mut Report) {
    let mut seen: BTreeMap<String, &Ident> = BTreeMap::new();
    for column in &table.columns {
        let mut constant = plain(&column.ident);
        if constant.is_ascii() {
            constant.make_ascii_uppercase();
        } else {
            constant = constant.to_uppercase();
        }
        if let Some(first) = seen.insert(constant.clone(), &column.ident) {
            report.at(
                column.ident.span(),
                format!(
                    "fields `{}` and `{}` share the constant `{constant}`; rename one, and keep its \
                     column with `#[column(name = \"...\")]`",
                    plain(first),
                    plain(&column.ident)
                ),
            );
        }
    }
}

fn finders(table: &Table, report: &mut Report) {
    let mut seen = Vec::new();
    for finder in table
        .indexes
        .iter()
        .filter_map(|index| index.finder.as_ref())
    {
        if seen.contains(&&finder.value) {
            report.at(
                finder.span,
                format!(
                    "table `{}` has two finders named `{}`; give one another name with `finder = \"...\"`",
                    table.name.value, finder.value
                ),
            );
        }
        seen.push(&finder.value);
    }
}

/// A table, its indexes and the indexes of its keys share the names of their schema; its constraints
/// share the names of the table. Source: the unique indexes of `pg_class` and `pg_constraint`.
fn relations_and_constraints(table: &Table, report: &mut Report) {
    let name = &table.name.value;
    let key = At::new(primary_key(name), table.ident.span());
    let key = (!table.primary_key.is_empty()).then_some(&key);
    let enums: Vec<At<String>> = table
        .columns
        .iter()
        .filter(|column| matches!(column.ty, TypeRef::Enum(_) | TypeRef::EnumArray(_)))
        .map(|column| At::new(enum_check(name, &column.name.value), column.name.span))
        .collect();
    let [
        (_, uniques),
        (_, checks),
        (_, foreign_keys),
        (_, exclusions),
    ] = constraints(table);

    // What comes from a type or from the table itself stands first: only the other can be renamed.
    let mut relations = Names::new(table, report);
    relations.add(&table.name, "table");
    relations.all(key, "primary key");
    relations.all(uniques.iter().copied(), "unique constraint");
    relations.all(exclusions.iter().copied(), EXCLUSION);
    relations.all(table.indexes.iter().map(|index| &index.name), "index");
    relations.all(table.partitions.iter().map(|it| &it.name), "partition");
    let reported = relations.reported;
    let mut names = Names::new(table, report);
    names.all(key, "primary key");
    names.all(&enums, "check");
    let is_new = |name: &&At<String>| !reported.contains(&name.value);
    names.all(uniques.into_iter().filter(is_new), "unique constraint");
    names.all(exclusions.into_iter().filter(is_new), EXCLUSION);
    names.all(checks, "check");
    names.all(foreign_keys, "foreign key");
}

const ANOTHER: &str = "give one another with `name = \"...\"`";

/// Names that must differ, each with what it names.
struct Names<'a> {
    table: &'a str,
    report: &'a mut Report,
    seen: BTreeMap<String, &'static str>,
    reported: Vec<String>,
}

impl<'a> Names<'a> {
    fn new(table: &'a Table, report: &'a mut Report) -> Self {
        Names {
            table: &table.name.value,
            report,
            seen: BTreeMap::new(),
            reported: Vec::new(),
        }
    }

    fn all<'n>(&mut self, names: impl IntoIterator<Item = &'n At<String>>, kind: &'static str) {
        for name in names {
            self.add(name, kind);
        }
    }

    fn add(&mut self, name: &At<String>, kind: &'static str) {
        let At { value, span } = name;
        let Some(first) = self.seen.get(value) else {
            self.seen.insert(value.clone(), kind);
            return;
        };
        let table = self.table;
        let message = if *first == kind {
            let (kinds, remedy) = match kind {
                "column" => ("columns", "rename one"),
                "policy" => ("policies", "rename one"),
                "check" => ("checks", "give one a name with `#[check(\"...\", ...)]`"),
                "index" => ("indexes", ANOTHER),
                "unique constraint" => ("unique constraints", ANOTHER),
                EXCLUSION => ("exclusion constraints", ANOTHER),
                "partition" => ("partitions", "rename one"),
                _ => ("foreign keys", ANOTHER),
            };
            format!("table `{table}` has two {kinds} named `{value}`; {remedy}")
        } else {
            format!(
                "{kind} `{value}` on table `{table}` has the name of its {first}; give it another"
            )
        };
        self.report.at(*span, message);
        self.reported.push(value.clone());
    }
}
