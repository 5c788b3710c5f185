//! The literals that a predicate compares a column with.

use crate::ident::quote_literal;

/// The literals at the start of a text, up to what is none, as SQL, and the numbers beside them.
pub(super) fn literals(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text;
    loop {
        let after = if let Some((number, after)) = real(rest) {
            found.extend([number, number - 1.0, number + 1.0].map(as_real));
            after
        } else {
            let (literal, after) = rest.split_at(literal_length(rest));
            if literal.is_empty() {
                return found;
            }
            match literal.parse::<i64>() {
                Ok(number) => {
                    let near = [Some(number), number.checked_sub(1), number.checked_add(1)];
                    found.extend(near.into_iter().flatten().map(|number| number.to_string()));
                }
                Err(_) => found.push(literal.to_owned()),
            }
            after
        };
        match after.strip_prefix(", ") {
            Some(after) => rest = after,
            None => return found,
        }
    }
}

/// The `real` that a text begins with, and what follows.
fn real(text: &str) -> Option<(f32, &str)> {
    let (number, after) = text.split_once("::real")?;
    let number: f32 = number.parse().ok()?;
    number.is_finite().then_some((number, after))
}

/// As a column has it: two texts are two numbers. In quotes it takes the type of what it meets.
fn as_real(number: f32) -> String {
    let text = number.to_string();
    match text.contains('.') {
        true => quote_literal(&text),
        false => text,
    }
}

/// How long the quoted text or the integer is that a text begins with; 0 where there is none.
fn literal_length(text: &str) -> usize {
    let Some(inner) = text.strip_prefix('\'') else {
        let sign = usize::from(text.starts_with('-'));
        let digits = text[sign..].bytes().take_while(u8::is_ascii_digit).count();
        return if digits == 0 { 0 } else { sign + digits };
    };
    let mut bytes = inner.bytes().enumerate().peekable();
    while let Some((at, byte)) = bytes.next() {
        if byte == b'\'' && bytes.next_if(|(_, next)| *next == b'\'').is_none() {
            return at + 2;
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::literals;

    #[test]
    fn numbers_have_neighbours() {
        assert_eq!(literals("5 and x = 1::real"), ["5", "4", "6"]);
        assert_eq!(literals("'a', 'o''clock') or y"), ["'a'", "'o''clock'"]);
        assert_eq!(
            literals("-0.5::real, 16777217::real, rank)"),
            [
                "'-0.5'", "'-1.5'", "'0.5'", "16777216", "16777215", "16777216"
            ]
        );
    }
}
