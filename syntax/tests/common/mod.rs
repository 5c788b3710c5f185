//! Reads a file of annotated items as the build script would, in one module.

use std::collections::BTreeMap;

use syn::{DeriveInput, File, Item};
use tabellion_sql::plan::plan;
use tabellion_sql::schema::{Platform, Schema};
use tabellion_sql::verify::settle_lookups;
use tabellion_syntax::ast::{self, PathRef};
use tabellion_syntax::lower::{self, Denote};
use tabellion_syntax::{Report, scope, table, text_enum};

#[derive(Default)]
struct Items {
    scopes: BTreeMap<String, ast::Scope>,
    enums: BTreeMap<String, ast::TextEnum>,
    tables: BTreeMap<String, ast::Table>,
    platform: Platform,
}

impl Denote for Items {
    fn platform(&self) -> Platform {
        self.platform
    }

    fn scope(&self, path: &PathRef) -> Option<&ast::Scope> {
        self.scopes.get(&path.text())
    }

    fn text_enum(&self, path: &PathRef) -> Option<&ast::TextEnum> {
        self.enums.get(&path.text())
    }

    fn enum_of_scope(&self, _: &PathRef, path: &PathRef) -> Option<&ast::TextEnum> {
        self.text_enum(path)
    }

    fn table(&self, path: &PathRef) -> Option<&ast::Table> {
        self.tables.get(&path.text())
    }
}

fn inputs(source: &str) -> Vec<DeriveInput> {
    let file: File = syn::parse_str(source).expect("the source parses");
    let items = file.items.into_iter();
    items
        .filter_map(|item| match item {
            Item::Struct(item) => Some(DeriveInput::from(item)),
            Item::Enum(item) => Some(DeriveInput::from(item)),
            _ => None,
        })
        .collect()
}

fn derives(input: &DeriveInput, name: &str) -> bool {
    input.attrs.iter().any(|attribute| {
        let tokens = match &attribute.meta {
            syn::Meta::List(list) if list.path.is_ident("derive") => list.tokens.to_string(),
            _ => return false,
        };
        tokens.split(',').any(|derive| derive.trim() == name)
    })
}

/// The SQL of a source text, or what is wrong with it, a line for each mistake.
pub(crate) fn sql(source: &str, platform: Platform) -> Result<String, String> {
    Ok(plan(&Schema::default(), &schema(source, platform)?).body())
}

/// The schema of a source text, or what is wrong with it, a line for each mistake.
pub(crate) fn schema(source: &str, platform: Platform) -> Result<Schema, String> {
    let mut report = Report::default();
    let mut items = Items {
        platform,
        ..Items::default()
    };
    for input in inputs(source) {
        let name = input.ident.to_string();
        if derives(&input, "Table") {
            items
                .tables
                .extend(table(&input, &mut report).map(|table| (name, table)));
        } else if derives(&input, "Scope") {
            items
                .scopes
                .extend(scope(&input, &mut report).map(|scope| (name, scope)));
        } else if derives(&input, "TextEnum") {
            items
                .enums
                .extend(text_enum(&input, &mut report).map(|it| (name, it)));
        }
    }
    report.finish().map_err(|errors| {
        let lines: Vec<String> = errors.into_iter().map(|error| error.to_string()).collect();
        lines.join("\n")
    })?;
    let mut schema = Schema {
        platform,
        ..Schema::default()
    };
    schema.roles.extend(
        items
            .scopes
            .values()
            .map(|scope| lower::role(scope, platform)),
    );
    let lines = |errors: Vec<lower::Unresolved>| {
        let lines: Vec<String> = errors.into_iter().map(|error| error.message).collect();
        lines.join("\n")
    };
    for (name, table) in &items.tables {
        let source = format!("shop::{name}");
        if table.external.is_some() {
            let lowered = lower::external(table, source, &items).map_err(lines)?;
            schema.externals.insert(lowered.0, lowered.1);
            continue;
        }
        let lowered = lower::table(table, source, &items).map_err(lines)?;
        schema.tables.insert(lowered.0, lowered.1);
    }
    settle_lookups(&mut schema);
    Ok(schema)
}
