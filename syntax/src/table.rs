//! One struct into one `ast::Table`.

mod names;
mod parts;

use proc_macro2::Ident;
use syn::{Data, DataStruct, DeriveInput, Fields};
use tabellion_sql::ident::object_name;
use tabellion_sql::schema::{Deferrable, QualifiedName, Type};

use crate::ast::{At, Column, ForeignKey, Rls, RustType, Table, TypeRef};
use crate::attr::{self, ColumnAttr};
use crate::predicate::plain;
use crate::{Report, check, rust_type, rustdoc};
use parts::{ATTRIBUTES, Parts};

/// Reads a struct, and checks all that one struct can tell.
///
/// What comes back beside a report that is not empty is incomplete: good for impls that keep rustc from
/// reporting the same mistake again, not for SQL. `None` where not even those are possible.
pub fn table(input: &DeriveInput, report: &mut Report) -> Option<Table> {
    let ident = &input.ident;
    let fields = match &input.data {
        Data::Struct(DataStruct {
            fields: Fields::Named(fields),
            ..
        }) => Some(fields),
        Data::Struct(_) => {
            report.at(
                ident.span(),
                format!("`{ident}` has no named fields; give it one for each column"),
            );
            None
        }
        _ => {
            report.at(
                ident.span(),
                format!("`{ident}` is not a struct; derive `Table` on a struct with named fields"),
            );
            None
        }
    };
    if !input.generics.params.is_empty() {
        report.over(
            &input.generics,
            format!("`{ident}` is generic, and a table is one type; remove the parameters"),
        );
    }
    let mut parts = Parts::read(&input.attrs, report);
    let header = parts.table.take().unwrap_or_default();
    let mut table = Table {
        ident: ident.clone(),
        schema: At::new("public".into(), ident.span()),
        name: At::new(snake_case(ident), ident.span()),
        comment: rustdoc::comment(&input.attrs),
        external: header.external,
        renamed_from: None,
        replaces: None,
        scope: header.scope,
        columns: Vec::new(),
        primary_key: Vec::new(),
        primary_key_deferrable: Deferrable::Not,
        indexes: Vec::new(),
        uniques: Vec::new(),
        checks: Vec::new(),
        foreign_keys: Vec::new(),
        exclusions: Vec::new(),
        partition_by: None,
        partitions: Vec::new(),
        rls: Rls::Missing,
        allowed: Vec::new(),
    };
    match header.name {
        // What follows speaks of the table by the name that it would have had.
        Some(name) if name.value.is_empty() => check::name("table", &name, report),
        Some(name) => table.name = name,
        None => {}
    }
    if let Some(schema) = header.schema {
        table.schema = schema;
    }
    let earlier = |name: At<String>| other_table(name, &table.schema.value);
    let (renamed_from, replaces) = (header.renamed_from, header.replaces);
    (table.renamed_from, table.replaces) = (renamed_from.map(earlier), replaces.map(earlier));
    let what = format!("the comment of table `{}`", table.name.value);
    check::no_nul(&what, table.comment.as_ref(), ident.span(), report);
    let Some(fields) = fields else {
        // Without columns every other attribute would seem wrong as well.
        table.rls = Rls::DenyAll;
        return Some(table);
    };
    for field in &fields.named {
        column(field, &mut table, report);
    }
    parts.into_table(&mut table, report);
    check::table(&table, header.scope_tried, report);
    Some(table)
}

/// `old`, or `schema.old`.
fn other_table(name: At<String>, schema: &str) -> At<QualifiedName> {
    let (schema, table) = name.value.split_once('.').unwrap_or((schema, &name.value));
    At::new(QualifiedName::new(schema, table), name.span)
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
    let mut is_given = false;
    for attribute in &field.attrs {
        if attr::is(attribute, "column") {
            if is_given {
                report.at(
                    attr::name_span(attribute),
                    "`#[column]` is given twice; put everything into one",
                );
                continue;
            }
            is_given = true;
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
    if let [modifier] = attr.modifiers.as_slice() {
        let modified = match &read.ty {
            TypeRef::Known(ty) => modifier.value.of(ty),
            _ => None,
        };
        match (modified, &read.ty) {
            (Some(modified), _) => read.ty = TypeRef::Known(modified),
            // A type that cannot be read, or two of them, is a mistake of its own.
            (None, TypeRef::Stated(_)) => {}
            (None, _) => report.at(
                modifier.span,
                format!(
                    "`{}` is for {}, and field `{}` is `{}`; change the field's type, or remove it",
                    modifier.value.word(),
                    modifier.value.subject(),
                    plain(&ident),
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
        computed: attr.computed.take(),
        updated_at: attr.updated_at.is_some(),
        version: attr.version.is_some(),
        default: attr.default.take(),
        collation: attr.collation.take(),
        renamed_from: attr.renamed_from.take(),
        replaces: attr.replaces.take(),
        comment: rustdoc::comment(&field.attrs),
        ident: ident.clone(),
    };
    check::column(&column, &attr, report);
    if table.external.is_some() {
        check::external_column(&column, &attr, report);
    }
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
            options: attr.foreign_key,
        });
    }
    table.columns.push(column);
}
