//! The attributes of a struct, and what they say together.

use proc_macro2::Span;
use syn::Attribute;
use tabellion_sql::ident::object_name;

use super::names::{columns, index_of, named};
use crate::ast::{
    Allowed, At, Check, Exclusion, ForeignKey, Partition, PartitionBy, PathRef, Rls, Table, Unique,
};
use crate::attr::{self, RlsAttr, TableAttr};
use crate::predicate::Value;
use crate::{Report, check};

/// The attributes that `#[derive(Table)]` reads on a struct.
pub(super) const ATTRIBUTES: [&str; 13] = [
    "table",
    "primary_key",
    "index",
    "unique",
    "check",
    "foreign_key",
    "exclude",
    "partition_by",
    "partition",
    "policy",
    "tenant",
    "no_rls",
    "allow_rule",
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
    exclusions: Vec<attr::ExcludeAttr>,
    partition_by: Option<PartitionBy>,
    partitions: Vec<Partition>,
    /// Every attribute, and where it stands.
    given: Vec<(&'static str, Span)>,
    rls: Vec<(RlsAttr, Span)>,
    /// An attribute about row-level security that could not be read: the answer is wrong, not missing.
    rls_tried: bool,
    /// The scope of each `#[tenant]`, and whether it only restricts.
    tenants: Vec<(Option<PathRef>, bool)>,
    allowed: Vec<Allowed>,
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
            parts.given.push((name, span));
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
                "exclude" => {
                    parts.exclusions.extend(attr::exclude(attribute, report));
                    continue;
                }
                "partition_by" => {
                    if parts
                        .given
                        .iter()
                        .filter(|(given, _)| *given == name)
                        .count()
                        > 1
                    {
                        report.at(span, "`#[partition_by]` is given twice; keep one");
                    } else {
                        parts.partition_by = attr::partition_by(attribute, report);
                    }
                    continue;
                }
                "partition" => {
                    parts.partitions.extend(attr::partition(attribute, report));
                    continue;
                }
                "allow_rule" => {
                    parts.allow(attr::allow_rule(attribute, report), report);
                    continue;
                }
                "policy" => attr::policy(attribute, report),
                "tenant" => {
                    let read = attr::tenant(attribute, report);
                    if let Some(RlsAttr::Tenant(tenant)) = &read {
                        let kind = (tenant.scope.clone(), tenant.restrictive);
                        if parts.tenants.contains(&kind) {
                            report.at(span, "`#[tenant]` is given twice; put every pair into one");
                            continue;
                        }
                        parts.tenants.push(kind);
                    }
                    read
                }
                _ => attr::no_rls(attribute, report),
            };
            parts.rls_tried = true;
            parts.rls.extend(rls.map(|rls| (rls, span)));
        }
        parts
    }

    fn allow(&mut self, allowed: Option<Allowed>, report: &mut Report) {
        let Some(allowed) = allowed else {
            return;
        };
        let code = &allowed.code;
        if self.allowed.iter().any(|it| it.code.value == code.value) {
            let message = format!("rule `{}` is allowed twice; remove one", code.value);
            report.at(code.span, message);
        } else {
            self.allowed.push(allowed);
        }
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
            let index = index_of(table, index, report);
            table.indexes.push(index);
        }
        for exclude in self.exclusions {
            let elements = exclude.elements.iter().map(|(column, _)| column);
            let name = named(table, exclude.name, elements, "excl", exclude.span, report);
            table.exclusions.push(Exclusion {
                name,
                method: exclude.method,
                elements: exclude.elements,
                predicate: exclude.predicate,
                deferrable: exclude.deferrable,
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
        table.allowed = self.allowed;
        table.partition_by = self.partition_by;
        table.partitions = self.partitions;
        if table.external.is_some() {
            check::external(table, &self.given, report);
            table.rls = Rls::DenyAll;
            return;
        }
        if let Some((_, span)) = self.given.iter().find(|(given, _)| *given == "partition")
            && !self.given.iter().any(|(given, _)| *given == "partition_by")
        {
            report.at(
                *span,
                format!(
                    "table `{}` is not partitioned; add `#[partition_by(...)]`",
                    table.name.value
                ),
            );
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
                policies.push(*policy);
                None
            }
            RlsAttr::Tenant(tenant) => {
                policies.extend(tenant.policies);
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
