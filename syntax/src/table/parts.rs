//! The attributes of a struct, and what they say together.

use proc_macro2::{Ident, Span};
use syn::Attribute;
use tabellion_sql::ident::object_name;

use crate::Report;
use crate::ast::{At, Check, ForeignKey, Index, Rls, Table, Unique};
use crate::attr::{self, RlsAttr, TableAttr};
use crate::predicate::{Value, plain};

/// The attributes that `#[derive(Table)]` reads on a struct.
pub(super) const ATTRIBUTES: [&str; 9] = [
    "table",
    "primary_key",
    "index",
    "unique",
    "check",
    "foreign_key",
    "policy",
    "tenant",
    "no_rls",
];

/// The struct's attributes, before they are put together.
#[derive(Default)]
pub(super) struct Parts {
    pub(super) table: Option<TableAttr>,
    primary_keys: Vec<attr::Key>,
    indexes: Vec<attr::IndexAttr>,
    uniques: Vec<attr::Key>,
    checks: Vec<attr::CheckAttr>,
    foreign_keys: Vec<attr::ForeignKeyAttr>,
    rls: Vec<(RlsAttr, Span)>,
    /// An attribute about row-level security that could not be read: the answer is wrong, not missing.
    rls_tried: bool,
    tenant_tried: bool,
}

impl Parts {
    pub(super) fn read(attributes: &[Attribute], report: &mut Report) -> Parts {
        let mut parts = Parts::default();
        for attribute in attributes {
            let Some(name) = ATTRIBUTES
                .into_iter()
                .find(|name| attr::is(attribute, name))
            else {
                if attr::is(attribute, "column") {
                    report.over(
                        attribute.path(),
                        "`#[column]` belongs on a field; move it there, or write `#[table(...)]`",
                    );
                }
                continue;
            };
            let span = attr::name_span(attribute);
            let rls = match name {
                "table" => {
                    if parts.table.is_some() {
                        report.at(span, "`#[table]` is given twice; put everything into one");
                    } else {
                        parts.table = Some(attr::table(attribute, report));
                    }
                    continue;
                }
                "primary_key" => {
                    parts
                        .primary_keys
                        .extend(attr::primary_key(attribute, report));
                    continue;
                }
                "index" => {
                    parts.indexes.extend(attr::index(attribute, report));
                    continue;
                }
                "unique" => {
                    parts.uniques.extend(attr::unique(attribute, report));
                    continue;
                }
                "check" => {
                    parts.checks.extend(attr::check(attribute, report));
                    continue;
                }
                "foreign_key" => {
                    parts
                        .foreign_keys
                        .extend(attr::foreign_key(attribute, report));
                    continue;
                }
                "policy" => attr::policy(attribute, report),
                "tenant" if parts.tenant_tried => {
                    report.at(span, "`#[tenant]` is given twice; put every pair into one");
                    continue;
                }
                "tenant" => {
                    parts.tenant_tried = true;
                    attr::tenant(attribute, report)
                }
                _ => attr::no_rls(attribute, report),
            };
            parts.rls_tried = true;
            parts.rls.extend(rls.map(|rls| (rls, span)));
        }
        parts
    }

    pub(super) fn into_table(self, table: &mut Table, report: &mut Report) {
        for key in self.primary_keys {
            if table.primary_key.is_empty() {
                table.primary_key = key.columns;
                table.primary_key_deferrable = key.deferrable;
            } else {
                report.at(
                    key.span,
                    format!(
                        "table `{}` has a second primary key; keep one",
                        table.name.value
                    ),
                );
            }
        }
        for index in self.indexes {
            let fields: Vec<_> = index.columns.iter().map(|column| &column.field).collect();
            let finder = index
                .finder
                .unwrap_or_else(|| At::new(format!("by_{}", joined(&fields)), index.span));
            let name = index.name.unwrap_or_else(|| {
                At::new(
                    object_name(&table.name.value, &columns(table, &fields), "idx"),
                    index.span,
                )
            });
            table.indexes.push(Index {
                name,
                columns: index.columns,
                unique: index.unique,
                predicate: index.predicate,
                finder,
            });
        }
        for unique in self.uniques {
            let fields: Vec<_> = unique.columns.iter().collect();
            let name = unique.name.unwrap_or_else(|| {
                At::new(
                    object_name(&table.name.value, &columns(table, &fields), "key"),
                    unique.span,
                )
            });
            table.uniques.push(Unique {
                name,
                columns: unique.columns,
                nulls_not_distinct: unique.nulls_not_distinct,
                deferrable: unique.deferrable,
            });
        }
        for check in self.checks {
            let name = check.name.unwrap_or_else(|| {
                let first = check
                    .predicate
                    .values()
                    .into_iter()
                    .find_map(|value| match value {
                        Value::Column(field) => Some(columns(table, &[field])),
                        _ => None,
                    });
                let first = first.unwrap_or_default();
                At::new(object_name(&table.name.value, &first, "check"), check.span)
            });
            table.checks.push(Check {
                name,
                predicate: check.predicate,
            });
        }
        for key in self.foreign_keys {
            let fields: Vec<_> = key.key.columns.iter().collect();
            let name = key.key.name.unwrap_or_else(|| {
                At::new(
                    object_name(&table.name.value, &columns(table, &fields), "fkey"),
                    key.key.span,
                )
            });
            table.foreign_keys.push(ForeignKey {
                name,
                columns: key.key.columns,
                table: key.table,
                references: key.references,
                options: key.options,
            });
        }
        table.rls = answer(&table.name.value, self.rls, report);
        if let Rls::Missing = table.rls
            && self.rls_tried
        {
            // It was reported where it stands; "missing" beside it would mislead.
            table.rls = Rls::DenyAll;
        }
    }
}

/// The one answer that the attributes give together.
fn answer(table: &str, attributes: Vec<(RlsAttr, Span)>, report: &mut Report) -> Rls {
    let mut policies = Vec::new();
    let mut whole: Option<Rls> = None;
    for (index, (attribute, span)) in attributes.into_iter().enumerate() {
        let alone = match attribute {
            RlsAttr::Policy(policy) => {
                policies.push(policy);
                None
            }
            RlsAttr::Tenant(tenant) => {
                policies.extend(tenant);
                None
            }
            RlsAttr::DenyAll => Some(("#[policy(deny_all)]", Rls::DenyAll)),
            RlsAttr::None { reason, allow } => Some((
                "#[no_rls]",
                Rls::None {
                    reason: reason.value,
                    allow,
                },
            )),
        };
        match (alone, &whole) {
            (Some((name, _)), _) if index > 0 => report.at(
                span,
                format!(
                    "`{name}` contradicts the other answer on row-level security of table `{table}`; keep one"
                ),
            ),
            (Some((_, answer)), _) => whole = Some(answer),
            (None, Some(_)) => report.at(
                span,
                format!(
                    "a policy contradicts the other answer on row-level security of table `{table}`; keep one"
                ),
            ),
            (None, None) => {}
        }
    }
    match whole {
        Some(whole) => whole,
        None if policies.is_empty() => Rls::Missing,
        None => Rls::Policies(policies),
    }
}

/// Field names joined by underscores.
fn joined(fields: &[&Ident]) -> String {
    let names: Vec<_> = fields.iter().map(|field| plain(field)).collect();
    names.join("_")
}

/// Column names joined by underscores, as PostgreSQL joins them for a name of its own.
fn columns(table: &Table, fields: &[&Ident]) -> String {
    let names: Vec<_> = fields
        .iter()
        .map(|field| {
            table
                .column(field)
                .map_or_else(|| plain(field), |column| column.name.value.clone())
        })
        .collect();
    names.join("_")
}
