//! Expressions over a column, by the family of its type, so that they stay valid within the family.

use tabellion_sql::ident::{quote, quote_literal};
use tabellion_sql::schema::{Column, Expr, Type};

use crate::dice::Dice;
use crate::types::{Family, family};

/// A condition that every row of these tests meets, with NULL or without.
pub(crate) fn condition(column: &Column, dice: &mut Dice) -> Expr {
    let name = quote(&column.name);
    let texts = match family(&column.ty) {
        Family::Number => vec![
            format!("{name} > -1000"),
            format!("{name} between -5 and 900"),
            format!("{name} <> 77"),
        ],
        Family::Text => vec![
            format!("{name} <> 'no'"),
            format!("length({name}::text) < 150"),
            format!("{name} not in ('a', 'b')"),
        ],
        Family::Moment => vec![format!("{name} > '1900-01-01'")],
        Family::Json | Family::Other => {
            vec![format!("{name} is null or {name} is not null")]
        }
    };
    Expr::new(dice.pick(&texts), [&column.name])
}

/// What every enumeration allows: what rows and defaults hold.
const HELD: [&str; 6] = ["v1", "v2", "x", "it's", "", "a\\b"];
/// What comes and goes.
const VARIANTS: [&str; 5] = ["red", "a, b", "', '", "für", "back\\"];

/// The CHECK of an enumeration of texts, or of an array of them, with some of the variants that come and go;
/// nothing where the column holds something else.
pub(crate) fn enumeration(column: &Column, variants: &[&str], dice: &mut Dice) -> Option<Expr> {
    let is_array = match &column.ty {
        Type::Array(element) => **element == Type::Text,
        _ => false,
    };
    if !(is_array || family(&column.ty) == Family::Text) || column.computed.is_some() {
        return None;
    }
    let mut all = dice.some(&HELD, 1);
    all.extend(variants);
    all.extend(
        HELD.iter()
            .filter(|held| !all.contains(held))
            .copied()
            .collect::<Vec<_>>(),
    );
    let list: Vec<String> = all.iter().map(|text| quote_literal(text)).collect();
    let (name, list) = (quote(&column.name), list.join(", "));
    let text = match is_array {
        true => format!("{name} <@ array[{list}]"),
        false => format!("{name} in ({list})"),
    };
    Some(Expr::new(text, [&column.name]))
}

/// The variants of an enumeration that come and go, if it is one.
pub(crate) fn variants(expr: &Expr) -> Option<Vec<&'static str>> {
    let has = |text: &&str| expr.sql.contains(&quote_literal(text));
    let is_one = HELD.iter().all(has);
    is_one.then(|| VARIANTS.iter().filter(|text| has(text)).copied().collect())
}

/// Some variants.
pub(crate) fn some_variants(dice: &mut Dice) -> Vec<&'static str> {
    dice.some(&VARIANTS, 3)
}

/// A variant that is not among them.
pub(crate) fn another_variant(known: &[&str], dice: &mut Dice) -> Option<&'static str> {
    let others = VARIANTS.iter().filter(|text| !known.contains(text));
    dice.any(&others.copied().collect::<Vec<_>>())
}

/// A condition over two columns.
pub(crate) fn pair_condition(a: &Column, b: &Column, dice: &mut Dice) -> Expr {
    let (first, second) = (condition(a, dice), condition(b, dice));
    let how = *dice.pick(&["and", "or"]);
    Expr::new(
        format!("({}) {how} ({})", first.sql, second.sql),
        [&a.name, &b.name],
    )
}

/// An immutable value computed from a column, to index or to store.
pub(crate) fn computed(column: &Column, dice: &mut Dice) -> (Expr, Type) {
    let name = quote(&column.name);
    let (text, ty) = match family(&column.ty) {
        Family::Number => (format!("{name} * 2"), Type::Numeric(None)),
        Family::Text if dice.one_in(2) => (format!("upper({name}::text)"), Type::Text),
        Family::Text => (format!("lower({name}::text)"), Type::Text),
        Family::Json => (format!("{name} ->> 'k'"), Type::Text),
        Family::Moment | Family::Other => (format!("{name} is null"), Type::Bool),
    };
    (Expr::new(text, [&column.name]), ty)
}

/// A predicate of a policy over a column.
pub(crate) fn predicate(column: &Column, dice: &mut Dice) -> Expr {
    let name = quote(&column.name);
    let texts = match family(&column.ty) {
        Family::Number => vec![
            format!("{name} > 1"),
            format!("{name} = nullif((select current_setting('app.level', true)), '')::numeric"),
        ],
        Family::Text => vec![
            format!("{name} = (select current_setting('app.shop', true)) and {name} > ''"),
            format!("{name} <> 'v1'"),
        ],
        _ => vec![format!("{name} is not null"), "true".to_owned()],
    };
    let text = dice.pick(&texts);
    let columns = (text != "true").then_some(&column.name);
    Expr::new(text, columns)
}
