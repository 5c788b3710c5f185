//! The name of a table as `renamed_from` takes it, and what is meant by one that no table has.

use crate::schema::{QualifiedName, Schema};

/// The name as an attribute says it: without SQL's quotes, the schema where it is another.
pub(super) fn written(name: &QualifiedName, schema: &str) -> String {
    let name = match name.schema == schema {
        true => name.name.clone(),
        false => format!("{}.{}", name.schema, name.name),
    };
    escaped(&name)
}

/// A text as it stands between the quotes of a Rust string.
pub(super) fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

/// What is wrong with the earlier name of a table, which no sealed one has, and what to do.
pub(super) fn remedy(from: &Schema, old: &QualifiedName) -> String {
    let plain = QualifiedName::new(unquoted(&old.schema), unquoted(&old.name));
    if plain != *old && from.tables.contains_key(&plain) {
        return format!(
            "a name stands there without SQL's quotes; write `renamed_from = \"{}\"`",
            written(&plain, &old.schema)
        );
    }
    let mut sealed = from.tables.keys();
    match sealed.find(|sealed| sealed.name == old.name) {
        Some(sealed) => format!(
            "no sealed table of schema `{}` has that name; write `renamed_from = \"{}\"`",
            old.schema,
            written(sealed, &old.schema)
        ),
        None => "no sealed table has that name; correct it, or leave it out".to_owned(),
    }
}

/// What SQL's quotes enclose.
fn unquoted(text: &str) -> String {
    let inside = text.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
    inside.map_or_else(|| text.to_owned(), |inside| inside.replace("\"\"", "\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Table;

    fn sealed(schema: &str, name: &str) -> Schema {
        let mut from = Schema::default();
        let name = QualifiedName::new(schema, name);
        from.tables.insert(name, Table::new("shop::Order"));
        from
    }

    #[test]
    fn a_name_in_the_quotes_of_sql_is_shown_without() {
        let from = sealed("Sales Dept", "Order");
        let old = |schema: &str, name: &str| remedy(&from, &QualifiedName::new(schema, name));
        let said =
            "a name stands there without SQL's quotes; write `renamed_from = \"Sales Dept.Order\"`";
        assert_eq!(old("\"Sales Dept\"", "\"Order\""), said);
        assert_eq!(
            old("Sales Dept", "\"Order\""),
            "a name stands there without SQL's quotes; write `renamed_from = \"Order\"`"
        );
        assert_eq!(
            old("public", "Order"),
            "no sealed table of schema `public` has that name; write `renamed_from = \"Sales Dept.Order\"`"
        );
        assert_eq!(
            old("public", "\"Orders\""),
            "no sealed table has that name; correct it, or leave it out"
        );
    }

    #[test]
    fn a_name_with_a_quote_of_its_own_is_shown_as_rust_writes_it() {
        let name = QualifiedName::new("public", "a\"b");
        assert_eq!(written(&name, "public"), "a\\\"b");
        assert_eq!(written(&name, "other"), "public.a\\\"b");
    }
}
