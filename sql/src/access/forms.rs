//! The forms that derives write, and queries in brackets.

use super::tokens::{Open, is_one_of};

/// Whether what stands in brackets is a query; `None` where its own brackets are not in pairs.
pub(super) fn is_query(inner: &[&str]) -> Option<bool> {
    let first = inner.first()?;
    if is_one_of(first, &["select", "with", "values", "table"]) {
        return Some(true);
    }
    let mut open = Open::default();
    for token in inner {
        if open.is_none() && is_one_of(token, &["union", "intersect", "except"]) {
            return Some(true);
        }
        open.take(token)?;
    }
    Some(false)
}

/// A setting that counts where it is one of some texts, as a derive writes one of type `TextEnum`: the setting by
/// itself, and the texts.
pub(super) fn one_of_texts<'a>(tokens: &[&'a str]) -> Option<(Vec<&'a str>, Vec<&'a str>)> {
    let ["(", "select", "case", "when", "given", "in", "(", rest @ ..] = tokens else {
        return None;
    };
    let end = rest.iter().position(|token| *token == ")")?;
    let (list, rest) = (&rest[..end], &rest[end + 1..]);
    let texts: Vec<&str> = list.iter().copied().step_by(2).collect();
    let is_list = list.iter().skip(1).step_by(2).all(|token| *token == ",");
    let is_text = |text: &&str| text.starts_with('\'');
    let [
        "then",
        "given",
        "end",
        "from",
        "(",
        "select",
        inner @ ..,
        "as",
        "given",
        ")",
        "setting",
        ")",
    ] = rest
    else {
        return None;
    };
    let ["current_setting", "(", name, ",", "true", ")"] = inner else {
        return None;
    };
    let is_told = is_list && list.len() % 2 == 1 && texts.iter().all(is_text) && is_text(name);
    is_told.then(|| ([&["(", "select"], inner, &[")"]].concat(), texts))
}
