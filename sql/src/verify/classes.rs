//! Access methods, operator classes and operators that only an extension has.

use std::collections::BTreeSet;

use super::Finding;
use crate::schema::{IndexColumn, QualifiedName, Schema, Table, Type, extension};

/// Access methods of extensions in wide use, by the extension that brings them.
const METHODS: [(&str, &str); 4] = [
    ("bloom", "bloom"),
    ("hnsw", "vector"),
    ("ivfflat", "vector"),
    ("rum", "rum"),
];

/// PostgreSQL's own operators. Source: `pg_operator` of PostgreSQL 15.
const OPERATORS: [&str; 74] = [
    "!!", "!~", "!~*", "!~~", "!~~*", "#", "##", "#-", "#>", "#>>", "%", "&", "&&", "&<", "&<|",
    "&>", "*", "*<", "*<=", "*<>", "*=", "*>", "*>=", "+", "-", "->", "->>", "-|-", "/", "<",
    "<->", "<<", "<<=", "<<|", "<=", "<>", "<@", "<^", "=", ">", ">=", ">>", ">>=", ">^", "?",
    "?#", "?&", "?-", "?-|", "?|", "?||", "@", "@-@", "@>", "@?", "@@", "@@@", "^", "^@", "|",
    "|&>", "|/", "|>>", "||", "||/", "~", "~*", "~<=~", "~<~", "~=", "~>=~", "~>~", "~~", "~~*",
];

pub(super) fn classes(
    schema: &Schema,
    name: &QualifiedName,
    table: &Table,
    findings: &mut Vec<Finding>,
) {
    // Of a type that lacks its extension that is said already.
    let types = table.columns.iter().map(|column| element(&column.ty));
    let mut said: BTreeSet<&str> = types
        .filter_map(|ty| extension::of_type(&ty.internal_name()))
        .collect();
    let mut lacks = |extension: &'static str| {
        !schema.extensions.contains_key(extension) && said.insert(extension)
    };
    for (index, definition) in &table.indexes {
        let first = definition.columns.first().and_then(IndexColumn::name);
        let method = METHODS.iter().find(|(of, _)| *of == definition.method);
        if let Some((method, extension)) = method
            && lacks(extension)
        {
            let message = format!(
                "index `{index}` on table `{}` is `{method}`, which only an extension has; {}",
                name.name,
                remedy(extension)
            );
            findings.push(Finding::new(name, first, message));
        }
    }
    let indexes = table.indexes.iter().flat_map(|(index, definition)| {
        let columns = definition.columns.iter();
        columns.map(move |column| ("index", index, column))
    });
    let exclusions = table.exclusions.iter().flat_map(|(exclusion, definition)| {
        let elements = definition.elements.iter();
        elements.map(move |element| ("exclusion constraint", exclusion, &element.column))
    });
    for (kind, object, column) in indexes.chain(exclusions) {
        let class = column.opclass.as_deref().map(bare);
        if let Some(class) = class
            && let Some(extension) = extension::of_class(class)
            && lacks(extension)
        {
            let message = format!(
                "{kind} `{object}` on table `{}` has the operator class `{class}`, which only an extension \
                 has; {}",
                name.name,
                remedy(extension)
            );
            findings.push(Finding::new(name, column.name(), message));
        }
    }
    // Whatever an extension is, it may bring operators; so may whoever made an operator class.
    if !schema.extensions.is_empty() {
        return;
    }
    for (exclusion, definition) in &table.exclusions {
        for element in &definition.elements {
            let operator = element.operator.as_str();
            // `!=` is another text for `<>`.
            if OPERATORS.contains(&operator) || operator == "!=" || element.column.opclass.is_some()
            {
                continue;
            }
            let message = format!(
                "exclusion constraint `{exclusion}` on table `{}` compares with `{operator}`, which PostgreSQL \
                 does not have; use one that it has, or add the extension that has it to the emitter in \
                 `build.rs`",
                name.name
            );
            findings.push(Finding::new(name, element.column.name(), message));
        }
    }
}

fn remedy(extension: &str) -> String {
    format!("add `.extension(\"{extension}\")` to the emitter in `build.rs`")
}

fn element(ty: &Type) -> &Type {
    match ty {
        Type::Array(element) => self::element(element),
        ty => ty,
    }
}

/// An operator class without its schema, its parameters and the quotes of its name.
pub(super) fn bare(class: &str) -> &str {
    let name = class.split('(').next().unwrap_or(class).trim_end();
    let start = name.rfind('.').map_or(0, |dot| dot + 1);
    name[start..].trim_matches('"')
}
