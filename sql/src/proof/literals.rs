//! The literals that a predicate compares a column with.

/// The literals at the start of a text, up to what is none, as SQL.
pub(super) fn literals(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text;
    loop {
        let length = literal_length(rest);
        let (literal, after) = rest.split_at(length);
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
        match after.strip_prefix(", ") {
            Some(after) => rest = after,
            None => return found,
        }
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
