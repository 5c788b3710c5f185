//! Operators by which an exclusion constraint cannot compare.

use super::Finding;
use super::default_classes::is_scalar;
use crate::schema::built_in::own_name;
use crate::schema::{QualifiedName, Schema, Table, Type};

/// PostgreSQL's own operators. Source: `pg_operator` of PostgreSQL 15.
const OPERATORS: [&str; 74] = [
    "!!", "!~", "!~*", "!~~", "!~~*", "#", "##", "#-", "#>", "#>>", "%", "&", "&&", "&<", "&<|",
    "&>", "*", "*<", "*<=", "*<>", "*=", "*>", "*>=", "+", "-", "->", "->>", "-|-", "/", "<",
    "<->", "<<", "<<=", "<<|", "<=", "<>", "<@", "<^", "=", ">", ">=", ">>", ">>=", ">^", "?",
    "?#", "?&", "?-", "?-|", "?|", "?||", "@", "@-@", "@>", "@?", "@@", "@@@", "^", "^@", "|",
    "|&>", "|/", "|>>", "||", "||/", "~", "~*", "~<=~", "~<~", "~=", "~>=~", "~>~", "~~", "~~*",
];

pub(super) fn operators(
    schema: &Schema,
    name: &QualifiedName,
    table: &Table,
    findings: &mut Vec<Finding>,
) {
    for (exclusion, definition) in &table.exclusions {
        for element in &definition.elements {
            // Whoever made an operator class may have made operators.
            if element.column.opclass.is_some() {
                continue;
            }
            let written = element.operator.as_str();
            // `!=` is another text for `<>`.
            let operator = if written == "!=" { "<>" } else { written };
            let column = element.column.name().and_then(|it| table.column(it));
            let fitting = column.and_then(|it| Some((it, fitting(&definition.method, &it.ty)?)));
            let wrong = match fitting {
                Some((_, fitting)) if fitting.contains(&operator) => continue,
                Some((column, fitting)) => format!(
                    "compares column `{}`, which is `{}`, with `{written}`, which `{}` does not do; use `{}`",
                    column.name,
                    column.ty,
                    definition.method,
                    fitting.join("` or `")
                ),
                // Whatever an extension is, it may bring operators.
                None if !schema.extensions.is_empty() || OPERATORS.contains(&operator) => continue,
                None => format!(
                    "compares with `{written}`, which PostgreSQL does not have; use one that it has, or add the \
                     extension that has it to the emitter in `build.rs`"
                ),
            };
            let message = format!(
                "exclusion constraint `{exclusion}` on table `{}` {wrong}",
                name.name
            );
            findings.push(Finding::new(name, element.column.name(), message));
        }
    }
}

/// The operators of a method's default class whose sides can change places, where the type is PostgreSQL's own.
/// That `btree` and `hash` only know `=` each struct tells. Source: `pg_amop` of PostgreSQL 15.
fn fitting(method: &str, ty: &Type) -> Option<&'static [&'static str]> {
    let name = own_name(ty)?;
    match (method, name.as_str()) {
        ("gist", _) if is_scalar(ty) => Some(&["=", "<>"]),
        ("spgist", "text" | "varchar") => Some(&["="]),
        ("spgist", "cidr" | "inet") => Some(&["=", "<>", "&&"]),
        ("gist" | "spgist", "box" | "circle" | "polygon") => Some(&["&&", "~="]),
        ("gist" | "spgist", "point") => Some(&["~="]),
        ("gist" | "spgist", name) if name.ends_with("range") && !matches!(ty, Type::Array(_)) => {
            Some(&["=", "&&", "-|-"])
        }
        _ => None,
    }
}
