//! The predicate of a partial index, as far as one struct tells: for the derive, which cannot see the
//! texts of an enumeration's variants.

use std::cell::RefCell;

use super::{Denote, Lower};
use crate::ast::{PathRef, Scope, Table, TextEnum};
use crate::predicate::Predicate;

/// A piece of SQL text.
#[derive(Debug, Clone)]
pub enum Piece {
    /// Text as it stands.
    Sql(String),
    /// The literal of an enumeration's variant.
    Variant(PathRef),
}

/// The text that an index's predicate has in the schema, with the variants left open.
pub fn partial(table: &Table, predicate: &Predicate) -> Vec<Piece> {
    let open = Open::default();
    let mut lower = Lower {
        table,
        denote: &open,
        scope: None,
        read_tables: Default::default(),
        lookups: Default::default(),
        unresolved: Vec::new(),
    };
    let sql = lower.predicate(predicate).sql;
    let mut variants = open.variants.into_inner().into_iter();
    let mut pieces = Vec::new();
    for (index, text) in sql.split(MARK).enumerate() {
        if index > 0 {
            pieces.extend(variants.next().map(Piece::Variant));
        }
        if !text.is_empty() {
            pieces.push(Piece::Sql(text.to_owned()));
        }
    }
    pieces
}

/// Stands where a variant does. No SQL text holds it: PostgreSQL knows no such character.
const MARK: char = '\0';

/// Remembers the variants in their order.
#[derive(Default)]
struct Open {
    variants: RefCell<Vec<PathRef>>,
}

impl Denote for Open {
    fn scope(&self, _: &PathRef) -> Option<&Scope> {
        None
    }

    fn text_enum(&self, _: &PathRef) -> Option<&TextEnum> {
        None
    }

    fn table(&self, _: &PathRef) -> Option<&Table> {
        None
    }

    fn enum_of_scope(&self, _: &PathRef, _: &PathRef) -> Option<&TextEnum> {
        None
    }

    fn variant(&self, path: &PathRef) -> Option<String> {
        self.variants.borrow_mut().push(path.clone());
        Some(MARK.to_string())
    }
}
