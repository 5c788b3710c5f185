//! Behind a cursor: the rows that an order puts after a position.

use super::Order;

/// Where a cursor stands in one column of the order.
pub(super) struct Position {
    pub(super) column: &'static str,
    pub(super) order: Order,
    /// None where it is NULL.
    pub(super) value: Option<String>,
}

/// The conditions that hold for the rows behind a position, and for no other.
///
/// Where every column runs the same way and none can be NULL this is a comparison of rows, which an
/// index answers as a whole. Otherwise the first condition is what the index can begin with, implied
/// by the second, which is exact.
pub(super) fn behind(keys: &[Position]) -> Vec<String> {
    let Some(first) = keys.first() else {
        // Everything has its value: a single row, and the cursor stands on it.
        return vec!["false".to_owned()];
    };
    let alike = keys
        .iter()
        .all(|key| key.order.descends() == first.order.descends());
    let values: Option<Vec<&str>> = (keys.iter())
        .map(|key| match key.order.nulls_last() {
            None => key.value.as_deref(),
            Some(_) => None,
        })
        .collect();
    if let (true, Some(values)) = (alike, values) {
        let columns: Vec<&str> = keys.iter().map(|key| key.column).collect();
        return vec![format!(
            "({}) {} ({})",
            columns.join(", "),
            first.sign(),
            values.join(", ")
        )];
    }
    let mut conditions = Vec::new();
    if let (Some(value), None | Some(false)) = (&first.value, first.order.nulls_last()) {
        conditions.push(format!("{} {}= {value}", first.column, first.sign()));
    }
    // From the last column on: beyond it, or level with it and beyond the rest.
    let mut exact = String::from("false");
    for key in keys.iter().rev() {
        let level = match &key.value {
            Some(value) => format!("{} = {value}", key.column),
            None => format!("{} is null", key.column),
        };
        exact = match exact.as_str() {
            "false" => key.beyond(),
            rest => format!("{} or {level} and ({rest})", key.beyond()),
        };
    }
    conditions.push(format!("({exact})"));
    conditions
}

impl Position {
    fn sign(&self) -> char {
        if self.order.descends() { '<' } else { '>' }
    }

    /// The rows that this column alone puts behind the position.
    fn beyond(&self) -> String {
        let column = self.column;
        match (&self.value, self.order.nulls_last()) {
            (Some(value), Some(true)) => {
                format!("({column} {} {value} or {column} is null)", self.sign())
            }
            (Some(value), _) => format!("{column} {} {value}", self.sign()),
            (None, Some(false)) => format!("{column} is not null"),
            (None, _) => "false".to_owned(),
        }
    }
}
