//! Types and operator classes of an extension that lies in a PostgreSQL schema of its own, written with
//! that schema: a file then means the same whatever the search path of whoever runs it.
//!
//! Schema data keeps the bare name, as people write it and as a catalog is read back: where an extension
//! lies is no part of a table. What is written with a schema already stays as it is.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::ident::quote;
use crate::schema::{Extension, IndexColumn, Schema, Type, extension};

/// Where the extensions lie of which one is told.
#[derive(Default)]
pub(super) struct Places<'a> {
    homes: BTreeMap<&'a str, &'a str>,
}

impl<'a> Places<'a> {
    /// Of two that differ, the schema that is wanted tells: the extension moves there before anything else changes.
    pub(super) fn of(from: &'a Schema, to: &'a Schema) -> Self {
        let mut extensions: BTreeMap<&String, &Extension> = from.extensions.iter().collect();
        extensions.extend(&to.extensions);
        let home = |extension: &'a Extension| extension.schema.as_deref();
        Places {
            homes: extensions
                .into_iter()
                .filter_map(|(name, extension)| Some((name.as_str(), home(extension)?)))
                .collect(),
        }
    }

    /// The schema with the names that lie elsewhere written in full.
    pub(super) fn place<'s>(&self, schema: &'s Schema) -> Cow<'s, Schema> {
        if self.homes.is_empty() {
            return Cow::Borrowed(schema);
        }
        let mut placed = schema.clone();
        for table in placed.tables.values_mut() {
            for column in &mut table.columns {
                self.place_type(&mut column.ty);
            }
            for index in table.indexes.values_mut() {
                for column in &mut index.columns {
                    self.place_class(column);
                }
            }
            for exclusion in table.exclusions.values_mut() {
                for element in &mut exclusion.elements {
                    self.place_class(&mut element.column);
                }
            }
        }
        Cow::Owned(placed)
    }

    fn place_type(&self, ty: &mut Type) {
        match ty {
            Type::Array(element) => self.place_type(element),
            Type::Named(text) => self.qualify(text, extension::of_type),
            _ => {}
        }
    }

    fn place_class(&self, column: &mut IndexColumn) {
        if let Some(class) = &mut column.opclass {
            self.qualify(class, extension::of_class);
        }
    }

    fn qualify(&self, text: &mut String, brought_by: impl Fn(&str) -> Option<&'static str>) {
        let name = text.split('(').next().unwrap_or_default().trim_end();
        let home = brought_by(name).and_then(|extension| self.homes.get(extension));
        if let Some(home) = home {
            *text = format!("{}.{text}", quote(home));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{migrations, plan};
    use crate::schema::{
        Column, Exclusion, ExclusionElement, Index, QualifiedName, Renames, Role, Table,
    };

    fn name() -> QualifiedName {
        QualifiedName::new("public", "users")
    }

    /// `citext` and `pg_trgm` in a schema of their own.
    fn declared(ty: Type) -> Schema {
        let home = |schema: &str| Extension {
            schema: Some(schema.into()),
        };
        let class = |name: &str, class: &str| IndexColumn {
            opclass: Some(class.into()),
            ..IndexColumn::new(name)
        };
        let table = Table {
            columns: vec![
                Column::new("email", ty),
                Column::new(
                    "aliases",
                    Type::Array(Box::new(Type::Named("citext".into()))),
                ),
                Column::new("place", Type::Named("mine.place".into())),
            ],
            indexes: BTreeMap::from([(
                "users_email".into(),
                Index {
                    method: "gin".into(),
                    ..Index::new([class("email", "gin_trgm_ops(siglen = 32)")])
                },
            )]),
            exclusions: BTreeMap::from([(
                "users_near".into(),
                Exclusion {
                    method: "gist".into(),
                    elements: vec![ExclusionElement {
                        column: class("email", "gist_text_ops"),
                        operator: "=".into(),
                    }],
                    predicate: None,
                    deferrable: Default::default(),
                },
            )]),
            ..Table::new("shop::User")
        };
        Schema {
            roles: BTreeMap::from([("app".into(), Role::Created)]),
            extensions: BTreeMap::from([
                ("citext".into(), home("extensions")),
                ("pg_trgm".into(), home("My Ext")),
                ("btree_gist".into(), Extension::default()),
            ]),
            tables: BTreeMap::from([(name(), table)]),
            ..Schema::default()
        }
    }

    #[test]
    fn what_an_extension_brings_is_written_with_its_schema() {
        let body = plan(&Schema::default(), &declared(Type::Named("citext".into()))).body();
        for wanted in [
            "create schema if not exists extensions;",
            "grant usage on schema extensions to app;",
            "create extension if not exists citext with schema extensions;",
            "email extensions.citext not null",
            "aliases extensions.citext[] not null",
            "place mine.place not null",
            "(email \"My Ext\".gin_trgm_ops(siglen = 32))",
            "(email gist_text_ops with =)",
        ] {
            assert!(body.contains(wanted), "{wanted}\n{body}");
        }
        let path = "-- extensions\nselect pg_catalog.set_config('search_path', pg_catalog.concat_ws(', ', \
                    nullif(pg_catalog.current_setting('search_path'), ''), '\"My Ext\"', 'extensions'), true);\n";
        assert!(body.starts_with(path), "{body}");
        assert!(
            !plan(&Schema::default(), &Schema::default())
                .body()
                .contains("search_path")
        );
    }

    #[test]
    fn a_change_writes_it_so_and_the_schema_keeps_the_bare_name() {
        let (text, citext) = (declared(Type::Text), declared(Type::Named("citext".into())));
        let pairs = migrations(&text, &citext, &Renames::default(), &Default::default());
        let pairs = pairs.expect("no question");
        let bodies: Vec<String> = pairs.iter().map(|pair| pair.up.body()).collect();
        let alone = pairs.iter().filter(|pair| pair.up.no_transaction);
        assert!(
            bodies
                .iter()
                .any(|body| body.contains("type extensions.citext;")),
            "{bodies:?}"
        );
        let mut reached = text.clone();
        pairs.iter().for_each(|pair| pair.advance(&mut reached));
        assert_eq!(reached, citext);
        for pair in alone {
            assert!(
                !pair.up.body().contains("search_path"),
                "{}",
                pair.up.body()
            );
        }
        // Where it lies is no part of a table.
        let mut moved = citext.clone();
        moved
            .extensions
            .insert("citext".into(), Extension::default());
        let body = plan(&moved, &citext).body();
        assert!(
            !body.contains("alter table") && !body.contains("create extension"),
            "{body}"
        );
    }
}
