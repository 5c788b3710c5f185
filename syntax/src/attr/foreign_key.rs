//! `#[foreign_key(columns(…), references = Other(…), on_delete = …, on_update = …, deferrable = …)]`

use proc_macro2::Ident;
use syn::spanned::Spanned;
use syn::{Attribute, Expr};
use tabellion_sql::schema::{Deferrable, ReferentialAction};

use super::args::{ArgValue, fields_of_call, name_span, referenced};
use super::keys::{Key, fields};
use super::{Arg, Args};
use crate::Report;
use crate::ast::{At, ForeignKeyOptions, PathRef};

pub(crate) struct ForeignKeyAttr {
    pub(crate) key: Key,
    pub(crate) table: PathRef,
    pub(crate) references: Vec<Ident>,
    pub(crate) options: ForeignKeyOptions,
}

pub(crate) fn foreign_key(attribute: &Attribute, report: &mut Report) -> Option<ForeignKeyAttr> {
    let span = name_span(attribute);
    let args = Args::of(attribute, report)?;
    args.unique_keys(report);
    let (mut name, mut columns, mut target) = (None, None, None);
    let mut options = ForeignKeyOptions::default();
    for arg in &args.rest {
        match arg.key.to_string().as_str() {
            "name" => name = arg.string(report),
            "columns" => columns = Some(fields(arg, report)?),
            "references" => {
                let expr = arg.expr(report)?;
                target = referenced(expr);
                if target.is_none() {
                    report.over(
                        expr,
                        "`references` names a struct and its fields; write `references = User(tenant, id)`",
                    );
                    return None;
                }
            }
            _ if option(arg, &mut options, report) => {}
            _ => arg.unknown(
                "foreign_key",
                "the options are `columns`, `references`, `on_delete`, `on_update`, `deferrable` and `name`",
                report,
            ),
        }
    }
    let (Some(columns), Some((table, references))) = (columns, target) else {
        report.at(
            span,
            "`#[foreign_key]` needs both ends; write `columns(a, b), references = Other(a, b)`",
        );
        return None;
    };
    if columns.len() != references.len() {
        report.at(
            span,
            format!(
                "a foreign key of {} column(s) references {}; name as many on each side",
                columns.len(),
                references.len()
            ),
        );
        return None;
    }
    Some(ForeignKeyAttr {
        key: Key {
            name,
            columns,
            span,
            deferrable: Deferrable::Not,
            nulls_not_distinct: false,
        },
        table,
        references,
        options,
    })
}

/// Reads an option of a foreign key; `false` where the argument is none of them.
pub(super) fn option(arg: &Arg, options: &mut ForeignKeyOptions, report: &mut Report) -> bool {
    match arg.key.to_string().as_str() {
        "on_delete" => {
            if let Some((action, columns)) = action(arg, report) {
                options.on_delete = Some(action);
                options.on_delete_columns = columns;
            }
        }
        "on_update" => {
            if let Some((action, columns)) = action(arg, report) {
                if let Some(first) = columns.first() {
                    report.at(
                        first.span(),
                        "only `on_delete` takes columns, and an update touches all; remove the list",
                    );
                }
                options.on_update = Some(action);
            }
        }
        "deferrable" => options.deferrable = deferrable(arg, report),
        _ => return false,
    }
    true
}

/// The value of `on_delete = …`: an action, and the columns behind `set_null(…)`.
fn action(arg: &Arg, report: &mut Report) -> Option<(At<ReferentialAction>, Vec<Ident>)> {
    const ACTIONS: [(&str, ReferentialAction); 5] = [
        ("no_action", ReferentialAction::NoAction),
        ("restrict", ReferentialAction::Restrict),
        ("cascade", ReferentialAction::Cascade),
        ("set_null", ReferentialAction::SetNull),
        ("set_default", ReferentialAction::SetDefault),
    ];
    const ACTION: &str = "use `cascade`, `restrict`, `set_null`, `set_default` or `no_action`";
    let expr = arg.expr(report)?;
    let (path, columns) = match expr {
        Expr::Path(path) => (&path.path, Some(Vec::new())),
        Expr::Call(call) => match &*call.func {
            Expr::Path(path) => (&path.path, fields_of_call(call)),
            _ => (&syn::Path::from(arg.key.clone()), None),
        },
        expr => {
            report.over(
                expr,
                format!("`{}` is followed by a word; {ACTION}", arg.key),
            );
            return None;
        }
    };
    let known = ACTIONS.into_iter().find(|(word, _)| path.is_ident(word));
    let Some((word, action)) = known else {
        let other = PathRef(path.clone()).text();
        report.over(path, format!("no action `{other}`; {ACTION}"));
        return None;
    };
    let is_call = matches!(expr, Expr::Call(_));
    let takes_columns = matches!(
        action,
        ReferentialAction::SetNull | ReferentialAction::SetDefault
    );
    if is_call && !takes_columns {
        report.over(
            expr,
            format!("`{word}` touches no column by itself; write `{word}`"),
        );
        return None;
    }
    match columns {
        Some(columns) if !(is_call && columns.is_empty()) => {
            Some((At::new(action, path.span()), columns))
        }
        _ => {
            report.over(
                expr,
                format!("`{word}(...)` names fields; write `{word}` or `{word}(field)`"),
            );
            None
        }
    }
}

/// The value of `deferrable = …`.
pub(super) fn deferrable(arg: &Arg, report: &mut Report) -> Option<At<Deferrable>> {
    const REMEDY: &str =
        "`deferrable` says until when; write `deferrable = immediate` or `deferrable = deferred`";
    let path = match &arg.value {
        ArgValue::Expr(expr) => match &**expr {
            Expr::Path(path) => PathRef(path.path.clone()),
            expr => {
                report.over(expr, REMEDY);
                return None;
            }
        },
        _ => {
            report.at(arg.key.span(), REMEDY);
            return None;
        }
    };
    let value = match path.text().as_str() {
        "immediate" => Deferrable::Immediate,
        "deferred" => Deferrable::Deferred,
        other => {
            report.over(
                &path.0,
                format!("no time `{other}` to check a constraint; use `immediate` or `deferred`"),
            );
            return None;
        }
    };
    Some(At::new(value, path.0.span()))
}
