//! One struct into one `ast::Table`.

use proc_macro2::{Ident, Span};
use syn::{Attribute, Data, DeriveInput, Fields};
use tabellion_sql::ident::object_name;
use tabellion_sql::schema::{ReferentialAction, Type};

use crate::ast::{At, Check, Column, ForeignKey, Index, Rls, RustType, Table, TypeRef, Unique};
use crate::attr::{self, ColumnAttr, RlsAttr, TableAttr};
use crate::predicate::{Value, plain};
use crate::{Report, check, rust_type, rustdoc};

/// The attributes that `#[derive(Table)]` reads on a struct.
const ATTRIBUTES: [&str; 9] = [
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

/// Reads a struct, and checks all that one struct can tell.
///
/// `None` where the item is no struct with named fields. What comes back beside a report that is not
/// empty is incomplete: good for impls that keep rustc from reporting the same mistake again, not for SQL.
pub fn table(input: &DeriveInput, report: &mut Report) -> Option<Table> {
    let Data::Struct(data) = &input.data else {
        report.at(
            input.ident.span(),
            format!(
                "`{}` is not a struct; derive `Table` on a struct with named fields",
                input.ident
            ),
        );
        return None;
    };
    let Fields::Named(fields) = &data.fields else {
        report.at(
            input.ident.span(),
            format!(
                "`{}` has no named fields; a table's columns are named fields",
                input.ident
            ),
        );
        return None;
    };
    if !input.generics.params.is_empty() {
        report.over(
            &input.generics,
            format!(
                "`{}` is generic, and a table is one type; remove the parameters",
                input.ident
            ),
        );
    }
    let mut parts = Parts::read(&input.attrs, report);
    let header = parts.table.take().unwrap_or_default();
    let name = header
        .name
        .unwrap_or_else(|| At::new(snake_case(&input.ident), input.ident.span()));
    let mut table = Table {
        ident: input.ident.clone(),
        schema: header
            .schema
            .unwrap_or_else(|| At::new("public".into(), name.span)),
        comment: rustdoc::comment(&input.attrs),
        scope: header.scope,
        columns: Vec::new(),
        primary_key: Vec::new(),
        indexes: Vec::new(),
        uniques: Vec::new(),
        checks: Vec::new(),
        foreign_keys: Vec::new(),
        rls: Rls::Missing,
        name,
    };
    for field in &fields.named {
        column(field, &mut table, report);
    }
    parts.into_table(&mut table, report);
    check::table(&table, report);
    Some(table)
}

/// `SalesPulseAction` as `sales_pulse_action`.
pub(crate) fn snake_case(ident: &Ident) -> String {
    let mut out = String::new();
    let name = plain(ident);
    let chars: Vec<char> = name.chars().collect();
    for (index, c) in chars.iter().enumerate() {
        if c.is_uppercase() && index > 0 {
            let after_lower = !chars[index - 1].is_uppercase() && chars[index - 1] != '_';
            let before_lower = chars.get(index + 1).is_some_and(|next| next.is_lowercase());
            if after_lower || (before_lower && chars[index - 1] != '_') {
                out.push('_');
            }
        }
        out.extend(c.to_lowercase());
    }
    out
}

fn column(field: &syn::Field, table: &mut Table, report: &mut Report) {
    let Some(ident) = field.ident.clone() else {
        return;
    };
    let mut attr = ColumnAttr::default();
    for attribute in &field.attrs {
        if attr::is(attribute, "column") {
            attr::column(attribute, &mut attr, report);
        } else if let Some(known) = ATTRIBUTES.iter().find(|name| attr::is(attribute, name)) {
            report.over(
                attribute.path(),
                format!(
                    "`#[{known}]` belongs on the struct; move it there, or write `#[column(...)]`"
                ),
            );
        }
    }
    let stated = attr.stated.as_ref().map(|stated| stated.value.clone());
    let mut read = match rust_type::field_type(&ident, &field.ty, stated) {
        Ok(read) => read,
        Err(error) => {
            report.push(error);
            // As text it at least exists, so that what names it does not fail a second time.
            rust_type::FieldType {
                ty: TypeRef::Stated(Type::Text),
                base: field.ty.clone(),
                nullable: false,
            }
        }
    };
    if let Some(numeric) = &attr.numeric {
        match &mut read.ty {
            TypeRef::Known(ty @ Type::Numeric(None)) => *ty = Type::Numeric(Some(numeric.value)),
            _ => report.at(
                numeric.span,
                format!(
                    "`numeric` is for `Decimal`, and field `{ident}` is `{}`",
                    rust_type::display(&field.ty)
                ),
            ),
        }
    }
    let name = attr.name.take();
    let column = Column {
        name: name.unwrap_or_else(|| At::new(plain(&ident), ident.span())),
        ty: read.ty,
        rust_type: RustType(read.base),
        nullable: read.nullable,
        generated: attr.generated.first().map(|generated| generated.value),
        default: attr.default.take(),
        comment: rustdoc::comment(&field.attrs),
        ident: ident.clone(),
    };
    check::column(&column, &attr, report);
    if let Some(span) = attr.primary_key {
        if table.primary_key.is_empty() {
            table.primary_key.push(ident.clone());
        } else {
            report.at(
                span,
                format!(
                    "table `{}` has a second primary key; for a key of several columns write \
                     `#[primary_key(columns(...))]` on the struct",
                    table.name.value
                ),
            );
        }
    }
    if let Some((path, field)) = attr.references {
        table.foreign_keys.push(ForeignKey {
            name: At::new(
                object_name(&table.name.value, &column.name.value, "fkey"),
                ident.span(),
            ),
            columns: vec![ident.clone()],
            table: path,
            references: vec![field],
            on_delete: attr
                .on_delete
                .map_or(ReferentialAction::NoAction, |action| action.value),
        });
    }
    table.columns.push(column);
}

/// The struct's attributes, before they are put together.
#[derive(Default)]
struct Parts {
    table: Option<TableAttr>,
    primary_keys: Vec<attr::Key>,
    indexes: Vec<attr::IndexAttr>,
    uniques: Vec<attr::Key>,
    checks: Vec<attr::CheckAttr>,
    foreign_keys: Vec<attr::ForeignKeyAttr>,
    rls: Vec<(RlsAttr, Span)>,
    /// An attribute about row-level security that could not be read: the answer is wrong, not missing.
    rls_tried: bool,
}

impl Parts {
    fn read(attributes: &[Attribute], report: &mut Report) -> Parts {
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
                    }
                    parts.table = Some(attr::table(attribute, report));
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
                "tenant" => attr::tenant(attribute, report),
                _ => attr::no_rls(attribute, report),
            };
            parts.rls_tried = true;
            parts.rls.extend(rls.map(|rls| (rls, span)));
        }
        parts
    }

    fn into_table(self, table: &mut Table, report: &mut Report) {
        for key in self.primary_keys {
            if table.primary_key.is_empty() {
                table.primary_key = key.columns;
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
                on_delete: key.on_delete,
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
