//! `#[column(primary_key, serial, identity, default = …, generated = …, references = …, …)]`

use proc_macro2::{Ident, Span};
use syn::Attribute;
use tabellion_sql::schema::{Generated, Type};

use super::args::{ArgValue, Field, referenced};
use super::column_type::{self, Modifier};
use super::{Arg, Args, foreign_key};
use crate::Report;
use crate::ast::{At, Default as ColumnDefault, ForeignKeyOptions, PathRef};
use crate::predicate;

#[derive(Default)]
pub(crate) struct ColumnAttr {
    pub(crate) name: Option<At<String>>,
    pub(crate) stated: Option<At<Type>>,
    pub(crate) primary_key: Option<Span>,
    pub(crate) generated: Vec<At<Generated>>,
    pub(crate) modifiers: Vec<At<Modifier>>,
    pub(crate) computed: Option<At<String>>,
    pub(crate) updated_at: Option<Span>,
    pub(crate) version: Option<Span>,
    pub(crate) default: Option<At<ColumnDefault>>,
    pub(crate) collation: Option<At<String>>,
    pub(crate) renamed_from: Option<At<String>>,
    pub(crate) replaces: Option<At<String>>,
    pub(crate) references: Option<(PathRef, Ident)>,
    /// It was written, right or wrong: the key's options are then not alone.
    pub(crate) references_tried: bool,
    pub(crate) foreign_key: ForeignKeyOptions,
    /// The first option of a foreign key.
    pub(crate) foreign_key_option: Option<Ident>,
}

pub(crate) fn column(attribute: &Attribute, column: &mut ColumnAttr, report: &mut Report) {
    let Some(args) = Args::of(attribute, report) else {
        return;
    };
    args.unique_keys(report);
    if let Some(leading) = &args.leading {
        report.at(
            leading.span(),
            "the column's name needs its key; write `name = \"...\"`",
        );
    }
    for arg in &args.rest {
        let span = arg.key.span();
        match arg.key.to_string().as_str() {
            "name" => column.name = arg.string(report),
            "type" => column.stated = column_type::stated(arg, report),
            "primary_key" => column.primary_key = arg.flag(report).then_some(span),
            "serial" if arg.flag(report) => column.generated.push(At::new(Generated::Serial, span)),
            "serial" => {}
            "identity" => column.generated.extend(identity(arg, report)),
            "default" => column.default = default(arg, report),
            "generated" => column.computed = computed(arg, report),
            "updated_at" => column.updated_at = arg.flag(report).then_some(span),
            "version" => column.version = arg.flag(report).then_some(span),
            "collate" => column.collation = arg.string(report),
            "renamed_from" => column.renamed_from = arg.string(report),
            "replaces" => column.replaces = arg.string(report),
            "references" => {
                column.references_tried = true;
                column.references = references(arg, report);
            }
            _ if foreign_key::option(arg, &mut column.foreign_key, report) => {
                column
                    .foreign_key_option
                    .get_or_insert_with(|| arg.key.clone());
            }
            _ => match column_type::modifier(arg, report) {
                Ok(modifier) => column.modifiers.extend(modifier),
                Err(()) => arg.unknown(
                    "column",
                    "the options are `name`, `type`, `numeric`, `varchar`, `char`, `precision`, `vector`, \
                     `primary_key`, `serial`, `identity`, `default`, `generated`, `updated_at`, `version`, \
                     `collate`, `references`, `on_delete`, `on_update`, `deferrable`, `renamed_from` and `replaces`",
                    report,
                ),
            },
        }
    }
}

fn identity(arg: &Arg, report: &mut Report) -> Option<At<Generated>> {
    let span = arg.key.span();
    if let ArgValue::Flag = arg.value {
        return Some(At::new(Generated::IdentityAlways, span));
    }
    let (words, list) = arg.list::<Field>(report)?;
    match words.as_slice() {
        [word] if word.0 == "by_default" => Some(At::new(Generated::IdentityByDefault, span)),
        _ => {
            report.at(list, "`identity` takes `by_default` or nothing; write `identity` or `identity(by_default)`");
            None
        }
    }
}

fn computed(arg: &Arg, report: &mut Report) -> Option<At<String>> {
    let expr = arg.expr(report)?;
    match predicate::sql_call(expr) {
        Some(Ok(text)) => Some(At::new(text.value(), text.span())),
        Some(Err(error)) => {
            report.push(error);
            None
        }
        None => {
            report.over(
                expr,
                "a generated column is computed by PostgreSQL; write `generated = sql(\"...\")`",
            );
            None
        }
    }
}

fn default(arg: &Arg, report: &mut Report) -> Option<At<ColumnDefault>> {
    let expr = arg.expr(report)?;
    if let Some(text) = predicate::sql_call(expr) {
        return match text {
            Ok(text) => Some(At::new(ColumnDefault::Sql(text.value()), text.span())),
            Err(error) => {
                report.push(error);
                None
            }
        };
    }
    let value = match predicate::read(expr) {
        Ok(Some(value)) => value,
        Ok(None) => {
            report.over(
                expr,
                "a default is a literal, an enum variant or `now()`; write anything else as `sql(\"...\")`",
            );
            return None;
        }
        Err(error) => {
            report.push(error);
            return None;
        }
    };
    match value {
        predicate::Value::Column(_) | predicate::Value::Scope(_) => {
            report.over(
                expr,
                "a default reads neither columns nor the scope; use a literal, an enum variant, `now()` \
                 or `sql(\"...\")`",
            );
            None
        }
        value => {
            let span = value.span();
            Some(At::new(ColumnDefault::Value(value), span))
        }
    }
}

fn references(arg: &Arg, report: &mut Report) -> Option<(PathRef, Ident)> {
    let expr = arg.expr(report)?;
    match referenced(expr).map(|(path, fields)| (path, <[Ident; 1]>::try_from(fields))) {
        Some((path, Ok([field]))) => Some((path, field)),
        _ => {
            report.over(
                expr,
                "`references` names a struct and one of its fields; write `references = User::id`, \
                 or `#[foreign_key(...)]` for several columns",
            );
            None
        }
    }
}
