//! Statements that read along an index: their form, and their SQL.

use std::fmt::Write as _;

use tabellion_sql::ident::quote_literal;

use super::behind::{Position, behind};
use super::insert_many::is_array;
use super::{ByAddress, Index, Lock, Order, Piece};

/// A reading along an index, without its values. Parameters are numbered in the order of the fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Select {
    pub(crate) index: ByAddress<Index>,
    /// How many of the index's columns have a value.
    pub(crate) equal: usize,
    /// Where the next column's values begin; `true` with the bound itself.
    pub(crate) lower: Option<bool>,
    /// Where they end.
    pub(crate) upper: Option<bool>,
    /// Behind a cursor: which of its values are NULL and so no parameters, a bit each.
    pub(crate) after: Option<u32>,
    pub(crate) reverse: bool,
    pub(crate) limited: bool,
    pub(crate) wanted: Wanted,
    /// Which of many elements are arrays themselves, a bit for each parameter. PostgreSQL has no array of those: they
    /// travel as the elements of all, where each begins, and where each ends.
    pub(crate) nested: u64,
}

/// What is read of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Wanted {
    /// Their columns.
    Rows,
    /// Their columns, and the rows are locked.
    Locked(Lock),
    /// Their columns, then those of the order that are not among them.
    Page,
    /// How many there are.
    Count,
    /// Whether there is one.
    Exists,
    /// Their columns for each element of the parameters, which are arrays, and the element's number.
    Each,
}

impl Select {
    /// The columns that are left to the order, each as it is read.
    pub(crate) fn order(&self) -> impl Iterator<Item = (&'static str, Order)> + Clone {
        let reverse = self.reverse;
        let open = &self.index.0.columns[self.equal..];
        open.iter().map(move |&(column, order)| match reverse {
            true => (column, order.reversed()),
            false => (column, order),
        })
    }

    /// The columns that the parameters are values of, the limit's apart.
    pub(crate) fn parameters(&self) -> Vec<&'static str> {
        let columns = self.index.0.columns;
        let mut named: Vec<_> = columns[..self.equal].iter().map(|it| it.0).collect();
        let bounds = usize::from(self.lower.is_some()) + usize::from(self.upper.is_some());
        if let Some((ranged, _)) = columns.get(self.equal) {
            named.extend(std::iter::repeat_n(*ranged, bounds));
        }
        if let Some(nulls) = self.after {
            let given = self.order().enumerate();
            let given = given.filter(|(n, _)| nulls & (1 << n) == 0);
            named.extend(given.map(|(_, (column, _))| column));
        }
        named
    }

    /// The same for each of many, of a table whose columns have these types.
    pub(crate) fn of_each(mut self, columns: &[&str], types: &[&str]) -> Select {
        let is_array = |name: &str| {
            let mut typed = columns.iter().zip(types);
            typed.any(|(column, ty)| *column == name && is_array(ty))
        };
        let arrays = self.parameters().into_iter().map(is_array).enumerate();
        self.nested = arrays.fold(0, |bits, (n, is_array)| bits | u64::from(is_array) << n);
        self.limited = true;
        self.wanted = Wanted::Each;
        self
    }

    /// Whether the values of a parameter, counted from 0, are arrays among many.
    pub(crate) fn is_nested(&self, parameter: usize) -> bool {
        self.nested & (1 << parameter) != 0
    }

    /// The columns of the parameters as they are numbered in the statement.
    pub(crate) fn numbered(&self) -> Vec<&'static str> {
        let named = self.parameters().into_iter().enumerate();
        named
            .flat_map(|(n, column)| {
                std::iter::repeat_n(column, if self.is_nested(n) { 3 } else { 1 })
            })
            .collect()
    }

    /// Whether a parameter, counted from 0, is a value of the cursor.
    pub(crate) fn is_of_cursor(&self, parameter: usize) -> bool {
        let bounds = usize::from(self.lower.is_some()) + usize::from(self.upper.is_some());
        let own = self.equal + bounds;
        self.after.is_some() && (own..self.parameters().len()).contains(&parameter)
    }

    /// The statement's text for a table and the columns wanted of it.
    pub(crate) fn sql(&self, table: &str, all: &[&str]) -> String {
        let listed = all.join(", ");
        match self.wanted {
            Wanted::Rows => self.rows(table, &listed, &Place::Parameter),
            Wanted::Locked(lock) => self.rows(table, &listed, &Place::Parameter) + &lock.as_sql(),
            Wanted::Page => {
                let missing = self.order().map(|it| it.0).filter(|it| !all.contains(it));
                let listed: Vec<&str> = all.iter().copied().chain(missing).collect();
                self.rows(table, &listed.join(", "), &Place::Parameter)
            }
            Wanted::Count if self.limited => {
                let rows = self.filtered(table, "1", &Place::Parameter);
                let limit = self.parameters().len() + 1;
                format!("select count(*) from ({rows} limit ${limit}) found")
            }
            Wanted::Count => self.filtered(table, "count(*)", &Place::Parameter),
            // Not as EXISTS, for which PostgreSQL would read a table from its beginning where it thinks
            // that many rows fit.
            Wanted::Exists => {
                let rows = self.rows(table, "1", &Place::Parameter);
                format!("select count(*) > 0 from ({rows}) found")
            }
            Wanted::Each => self.each(table, &listed),
        }
    }

    /// The rows of each element: a join that PostgreSQL can only do along the index, since the limit
    /// keeps it from taking the inner query apart. The NULL that stands for no limit does so too.
    fn each(&self, table: &str, listed: &str) -> String {
        let (mut arrays, mut names, mut elements) = (Vec::new(), Vec::new(), Vec::new());
        let mut number = 0;
        for (n, column) in self.parameters().iter().enumerate() {
            number += 1;
            // What is behind the parameter gives it the column's type and is never looked at.
            if self.is_nested(n) {
                elements.push(format!(
                    "(coalesce(${number}, (select {column} from {table} where false)))[wanted.v{n}:wanted.w{n}]"
                ));
                for (name, ahead) in [("v", 1), ("w", 2)] {
                    arrays.push(format!("${}::pg_catalog.int4[]", number + ahead));
                    names.push(format!("{name}{n}"));
                }
                number += 2;
            } else {
                elements.push(format!("wanted.v{n}"));
                arrays.push(format!(
                    "coalesce(${number}, array(select {column} from {table} where false))"
                ));
                names.push(format!("v{n}"));
            }
        }
        let (arrays, names) = (arrays.join(", "), names.join(", "));
        let rows = self.rows(table, listed, &Place::Elements(elements));
        format!(
            "select found.*, wanted.number from unnest({arrays}) with ordinality wanted({names}, number) \
             cross join lateral ({rows} limit ${}) found",
            number + 1
        )
    }

    fn rows(&self, table: &str, listed: &str, place: &Place) -> String {
        let mut sql = self.filtered(table, listed, place);
        // PostgreSQL reads along an index only where the order is the index's own, NULLs included.
        for (n, (column, order)) in self.order().enumerate() {
            let word = if n == 0 { " order by" } else { "," };
            let _ = write!(sql, "{word} {column}{}", order.as_sql());
        }
        if self.limited && self.wanted != Wanted::Each {
            let _ = write!(sql, " limit ${}", self.parameters().len() + 1);
        }
        sql
    }

    fn filtered(&self, table: &str, listed: &str, place: &Place) -> String {
        let mut sql = format!("select {listed} from {table}");
        for (n, condition) in self.conditions(place).iter().enumerate() {
            let word = if n == 0 { "where" } else { "and" };
            let _ = write!(sql, " {word} {condition}");
        }
        sql
    }

    /// What holds for the rows, with values of parameters.
    pub(crate) fn condition(&self) -> String {
        self.conditions(&Place::Parameter).join(" and ")
    }

    fn conditions(&self, place: &Place) -> Vec<String> {
        let columns = self.index.0.columns;
        let mut numbers = 0..;
        let mut next = || place.name(numbers.next().unwrap_or_default());
        let mut conditions: Vec<String> = columns[..self.equal]
            .iter()
            .map(|(column, _)| format!("{column} = {}", next()))
            .collect();
        if let Some((ranged, _)) = columns.get(self.equal) {
            for (bound, sign) in [(self.lower, '>'), (self.upper, '<')] {
                if let Some(inclusive) = bound {
                    let equal = if inclusive { "=" } else { "" };
                    conditions.push(format!("{ranged} {sign}{equal} {}", next()));
                }
            }
        }
        if let Some(nulls) = self.after {
            let keys: Vec<Position> = (self.order().enumerate())
                .map(|(n, (column, order))| Position {
                    column,
                    order,
                    value: (nulls & (1 << n) == 0).then(&mut next),
                })
                .collect();
            conditions.extend(behind(&keys));
        }
        conditions.extend(predicate(self.index.0.predicate));
        conditions
    }
}

/// Where a value comes from.
enum Place {
    /// The statement's parameters.
    Parameter,
    /// The elements of arrays, each as SQL.
    Elements(Vec<String>),
}

impl Place {
    fn name(&self, number: usize) -> String {
        match self {
            Place::Parameter => format!("${}", number + 1),
            Place::Elements(elements) => elements.get(number).cloned().unwrap_or_default(),
        }
    }
}

/// The predicate of a partial index, which lets the planner use it.
fn predicate(pieces: &[Piece]) -> Option<String> {
    let text: String = (pieces.iter())
        .map(|piece| match piece {
            Piece::Sql(text) => (*text).to_owned(),
            Piece::Text(text) => quote_literal(text()),
        })
        .collect();
    (!text.is_empty()).then(|| format!("({text})"))
}

#[cfg(test)]
mod tests;
