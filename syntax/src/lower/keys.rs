//! What stands over columns: foreign keys, indexes, exclusion constraints, partitions; and the tables of
//! someone else.

use tabellion_sql::ident::{quote, quote_literal};
use tabellion_sql::schema::{self, QualifiedName};

use super::{Denote, Lower, Unresolved};
use crate::ast::{self, Bound, BoundValue, IndexKey};
use crate::predicate::{Literal, plain};

/// Lowers a table of someone else, which its own check found nothing wrong with.
///
/// # Errors
/// Every path that could not be resolved.
pub fn external(
    table: &ast::Table,
    source: String,
    denote: &dyn Denote,
) -> Result<(QualifiedName, schema::External), Vec<Unresolved>> {
    let (name, lowered) = super::table(table, source, denote)?;
    let keys = lowered.primary_key.into_iter().map(|key| key.columns);
    let uniques = lowered.uniques.into_values().map(|unique| unique.columns);
    let columns = lowered.columns.into_iter().map(|column| schema::Column {
        // A comment is the struct's own, and of no use there.
        comment: None,
        ..column
    });
    let external = schema::External {
        source: lowered.source,
        columns: columns.collect(),
        keys: keys.chain(uniques).collect(),
    };
    Ok((name, external))
}

impl Lower<'_> {
    pub(super) fn foreign_key(&mut self, key: &ast::ForeignKey) -> Option<schema::ForeignKey> {
        let Some(target) = self.denote.table(&key.table) else {
            self.missing("table", &key.table.text(), "Table");
            return None;
        };
        let action = |at: &Option<ast::At<schema::ReferentialAction>>| {
            at.as_ref().map(|at| at.value).unwrap_or_default()
        };
        let references = key.references.iter().map(|field| {
            let column = target.column(field);
            column.map_or_else(|| plain(field), |column| column.name.value.clone())
        });
        Some(schema::ForeignKey {
            on_delete: action(&key.options.on_delete),
            on_delete_columns: self.names(&key.options.on_delete_columns),
            on_update: action(&key.options.on_update),
            deferrable: match &key.options.deferrable {
                Some(deferrable) => deferrable.value,
                None => schema::Deferrable::Not,
            },
            ..schema::ForeignKey::new(
                self.names(&key.columns),
                QualifiedName::new(&target.schema.value, &target.name.value),
                references,
            )
        })
    }

    pub(super) fn index(&mut self, index: &ast::Index) -> schema::Index {
        let columns = index.columns.iter().map(|column| self.index_column(column));
        let columns: Vec<_> = columns.collect();
        let with = index.with.iter();
        schema::Index {
            method: index.method.value.clone(),
            include: self.names(&index.include),
            unique: index.unique.is_some(),
            nulls_not_distinct: index.nulls_not_distinct.is_some(),
            predicate: index
                .predicate
                .as_ref()
                .map(|predicate| self.predicate(predicate)),
            with: with
                .map(|(name, value)| (name.value.clone(), value.value.clone()))
                .collect(),
            ..schema::Index::new(columns)
        }
    }

    fn index_column(&self, column: &ast::IndexColumn) -> schema::IndexColumn {
        let key = match &column.key {
            IndexKey::Field(field) => schema::IndexKey::Name(self.name(field)),
            IndexKey::Sql(sql) => schema::IndexKey::Expression(self.sql(&sql.value)),
        };
        schema::IndexColumn {
            collation: column
                .collation
                .as_ref()
                .map(|name| quote(&name.value).into_owned()),
            opclass: column.opclass.as_ref().map(|name| qualified(&name.value)),
            descending: column.descending.is_some(),
            nulls: column.nulls.as_ref().map(|nulls| nulls.value),
            ..schema::IndexColumn::over(key)
        }
    }

    pub(super) fn exclusion(&mut self, exclusion: &ast::Exclusion) -> schema::Exclusion {
        let elements = exclusion.elements.iter().map(|(column, operator)| {
            let column = self.index_column(column);
            schema::ExclusionElement {
                column,
                operator: operator.value.clone(),
            }
        });
        schema::Exclusion {
            method: exclusion.method.value.clone(),
            elements: elements.collect(),
            predicate: exclusion
                .predicate
                .as_ref()
                .map(|predicate| self.predicate(predicate)),
            deferrable: exclusion.deferrable,
        }
    }

    pub(super) fn partition_by(&self, by: &ast::PartitionBy) -> schema::PartitionBy {
        schema::PartitionBy {
            strategy: by.strategy.value,
            columns: self.names(&by.columns),
        }
    }
}

/// `extensions.vector_l2_ops`, each part quoted where it needs it. No operator class has a dot in its name.
fn qualified(name: &str) -> String {
    let parts = name.split('.').map(quote);
    parts.collect::<Vec<_>>().join(".")
}

pub(crate) fn partition(bound: &Bound) -> schema::Partition {
    let all = |values: &[ast::At<BoundValue>]| values.iter().map(|at| value(&at.value)).collect();
    match bound {
        Bound::Range { from, to } => schema::Partition::Range {
            from: all(from),
            to: all(to),
        },
        Bound::List(values) => schema::Partition::List(all(values)),
        Bound::Hash { modulus, remainder } => schema::Partition::Hash {
            modulus: modulus.value,
            remainder: remainder.value,
        },
        Bound::Default => schema::Partition::Default,
    }
}

fn value(value: &BoundValue) -> String {
    match value {
        BoundValue::Null => "null".to_owned(),
        BoundValue::Min => "minvalue".to_owned(),
        BoundValue::Max => "maxvalue".to_owned(),
        BoundValue::Literal(Literal::Str(text)) => quote_literal(text),
        BoundValue::Literal(Literal::Bool(value)) => value.to_string(),
        BoundValue::Literal(Literal::Int(digits) | Literal::Float(digits)) => digits.clone(),
    }
}
