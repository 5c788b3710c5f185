//! A partition's bound, from the text that PostgreSQL prints.

use tabellion_sql::schema::Partition;

/// Reads what `pg_get_expr(relpartbound, …)` prints. `None` for a text of another form.
pub(super) fn parse(text: &str) -> Option<Partition> {
    if text == "DEFAULT" {
        return Some(Partition::Default);
    }
    let text = text.strip_prefix("FOR VALUES ")?;
    if let Some(rest) = text.strip_prefix("IN ") {
        let (values, rest) = values(rest)?;
        return rest.is_empty().then_some(Partition::List(values));
    }
    if let Some(rest) = text.strip_prefix("FROM ") {
        let (from, rest) = values(rest)?;
        let (to, rest) = values(rest.strip_prefix(" TO ")?)?;
        let (from, to) = (ends(from), ends(to));
        return rest.is_empty().then_some(Partition::Range { from, to });
    }
    let inner = text.strip_prefix("WITH (modulus ")?.strip_suffix(')')?;
    let (modulus, remainder) = inner.split_once(", remainder ")?;
    Some(Partition::Hash {
        modulus: modulus.parse().ok()?,
        remainder: remainder.parse().ok()?,
    })
}

/// The definition of a relation with the values of its list, if it has one, in order: PostgreSQL prints them as they
/// were written, and what order that is means nothing.
pub(in crate::catalog) fn ordered(definition: &str) -> String {
    const LIST: &str = " FOR VALUES IN ";
    let at = definition.find(LIST).map(|at| at + LIST.len());
    let split = at.and_then(|at| Some((&definition[..at], values(&definition[at..])?)));
    let Some((before, (mut values, after))) = split else {
        return definition.to_owned();
    };
    values.sort();
    format!("{before}({}){after}", values.join(", "))
}

/// The words for no end are keywords, which generated SQL writes in lower case.
fn ends(values: Vec<String>) -> Vec<String> {
    let lower = |value: String| match value.as_str() {
        "MINVALUE" | "MAXVALUE" => value.to_ascii_lowercase(),
        _ => value,
    };
    values.into_iter().map(lower).collect()
}

/// The values of a list in parentheses, and what follows it.
fn values(text: &str) -> Option<(Vec<String>, &str)> {
    let inner = text.strip_prefix('(')?;
    let (mut values, mut start, mut depth, mut quoted) = (Vec::new(), 0, 0_u32, false);
    for (at, byte) in inner.bytes().enumerate() {
        match byte {
            // A quote within a literal is doubled, and so leaves it and enters it again.
            b'\'' => quoted = !quoted,
            _ if quoted => {}
            b'(' => depth += 1,
            b',' if depth == 0 => {
                values.push(inner[start..at].trim().to_owned());
                start = at + 1;
            }
            b')' if depth == 0 => {
                values.push(inner[start..at].trim().to_owned());
                return Some((values, &inner[at + 1..]));
            }
            b')' => depth -= 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_bound_is_read() {
        let owned = |values: &[&str]| values.iter().map(|v| (*v).to_owned()).collect::<Vec<_>>();
        assert_eq!(parse("DEFAULT"), Some(Partition::Default));
        assert_eq!(
            parse("FOR VALUES FROM ('2026-01-01', MINVALUE) TO ('2027-01-01', 5)"),
            Some(Partition::Range {
                from: owned(&["'2026-01-01'", "minvalue"]),
                to: owned(&["'2027-01-01'", "5"]),
            })
        );
        assert_eq!(
            parse("FOR VALUES IN ('it''s, (this', E'\\\\', NULL, '-1'::integer)"),
            Some(Partition::List(owned(&[
                "'it''s, (this'",
                "E'\\\\'",
                "NULL",
                "'-1'::integer"
            ])))
        );
        assert_eq!(
            parse("FOR VALUES WITH (modulus 4, remainder 3)"),
            Some(Partition::Hash {
                modulus: 4,
                remainder: 3
            })
        );
        assert_eq!(parse("FOR VALUES BETWEEN (1)"), None);
    }

    #[test]
    fn the_values_of_a_list_are_put_in_order() {
        let text = |list: &str| format!("table partition of a FOR VALUES IN ({list}) with (x=1)");
        assert_eq!(
            ordered(&text("'b, (', NULL, 'a'")),
            text("'a', 'b, (', NULL")
        );
        for text in [
            "table",
            "table partition of a FOR VALUES FROM (2) TO (1)",
            "table partition of a DEFAULT",
        ] {
            assert_eq!(ordered(text), text);
        }
    }
}
