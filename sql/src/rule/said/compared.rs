//! How a condition compares a column, as far as an index can answer that.

use super::{column, reads_session, top_level, without_parentheses};
use crate::schema::Table;

/// What a column is compared with; the more of a table an index leaves out, the later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::rule) enum With {
    /// What is the same for everyone: `public`, `state = 'open'`, `owner is null`.
    Constant,
    /// A bound that the session says.
    Bound,
    /// The values that the session says.
    Values,
}

/// A column, and what it is compared with.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::rule) struct Compared {
    pub(in crate::rule) column: String,
    pub(in crate::rule) with: With,
}

impl Compared {
    /// Reads a condition without AND and OR; `None` where no index could answer it.
    pub(in crate::rule) fn read(words: &[String], table: &Table) -> Option<Compared> {
        let own = |words: &[String]| column(words).filter(|name| table.column(name).is_some());
        let truth = words.strip_prefix(&["not".to_owned()]).unwrap_or(words);
        if let Some(column) = own(truth) {
            return Some(Compared {
                column,
                with: With::Constant,
            });
        }
        let at = top_level(words).find(|&at| is_operator(&words[at]))?;
        let signs = words[at..].iter().take_while(|word| is_sign(word)).count();
        let (left, right) = words.split_at(at);
        let (operator, right) = right.split_at(signs.max(1));
        let operator = operator.concat();
        let operator = operator.as_str();
        let sides = [(left, right), (right, left)];
        let turns = match operator {
            "in" | "is" | "between" => 1,
            "=" | "<" | "<=" | ">" | ">=" => 2,
            _ => return None,
        };
        let mut sides = sides.into_iter().take(turns);
        let (column, other) = sides.find_map(|(one, other)| Some((own(one)?, other)))?;
        let other = match operator {
            "in" => without_parentheses(other),
            _ => other,
        };
        let is_column = |at: usize| own(&other[at..=at]).is_some();
        let is_subselect = operator == "in" && other.first().is_some_and(|word| word == "select");
        if is_subselect || top_level(other).any(is_column) {
            return None;
        }
        let with = match operator {
            "is" if !is_test(other) => return None,
            _ if !reads_session(other) => With::Constant,
            "=" | "in" => With::Values,
            _ => With::Bound,
        };
        Some(Compared { column, with })
    }
}

fn is_operator(word: &str) -> bool {
    is_sign(word) || matches!(word, "in" | "is" | "between")
}

/// Whether a word is a sign of which operators consist; each is a word of its own.
fn is_sign(word: &str) -> bool {
    matches!(word, "<" | ">" | "=" | "!" | "~" | "@" | "&" | "|" | "#")
}

/// `null`, `not null`, `true` and their like, as they stand behind IS.
fn is_test(words: &[String]) -> bool {
    let words = words.strip_prefix(&["not".to_owned()]).unwrap_or(words);
    matches!(words, [word] if matches!(word.as_str(), "null" | "true" | "false"))
}

#[cfg(test)]
mod tests {
    use super::super::Said;
    use super::*;
    use crate::schema::{Column, Expr, Type};

    #[test]
    fn what_a_column_is_compared_with() {
        let mut table = Table::new("");
        table.columns = ["shop", "day", "open"]
            .map(|name| Column::new(name, Type::Text))
            .into();
        let setting = "(select current_setting('app.x', true))";
        for (sql, read) in [
            (format!("shop = {setting}"), Some(("shop", With::Values))),
            (
                format!("nullif({setting}, '') = shop"),
                Some(("shop", With::Values)),
            ),
            (
                format!("shop in ({setting}, nullif({setting}, ''), 'x')"),
                Some(("shop", With::Values)),
            ),
            (
                format!("shop = any (array(select m.shop from m where m.user = {setting}))"),
                Some(("shop", With::Values)),
            ),
            (format!("day >= {setting}"), Some(("day", With::Bound))),
            (format!("{setting} > day"), Some(("day", With::Bound))),
            (
                format!("day between 1 and {setting}"),
                Some(("day", With::Bound)),
            ),
            ("open".to_owned(), Some(("open", With::Constant))),
            ("not open".to_owned(), Some(("open", With::Constant))),
            ("open = true".to_owned(), Some(("open", With::Constant))),
            (
                "open is not null".to_owned(),
                Some(("open", With::Constant)),
            ),
            ("day <= now()".to_owned(), Some(("day", With::Constant))),
            ("day in (1, 2)".to_owned(), Some(("day", With::Constant))),
            ("shop = day".to_owned(), None),
            (format!("shop in (day, {setting})"), None),
            (format!("shop in (select {setting})"), None),
            (format!("shop not in ({setting}, 'x')"), None),
            (format!("shop is distinct from {setting}"), None),
            (format!("shop <> {setting}"), None),
            (format!("lower(shop) = {setting}"), None),
            (format!("not (shop = {setting})"), None),
            (format!("{setting} = 'x'"), None),
            ("true".to_owned(), None),
        ] {
            let Said::Atom(words) = Said::of(&Expr::new(&sql, [""; 0])) else {
                panic!("{sql}");
            };
            let found = Compared::read(&words, &table);
            let found = found.as_ref().map(|it| (it.column.as_str(), it.with));
            assert_eq!(found, read, "{sql}");
        }
    }
}
