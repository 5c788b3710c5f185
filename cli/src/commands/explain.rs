//! The pages of the rules and lints.

use serde_json::{Value, json};
use tabellion_sql::rule::{nearest, page, pages};

use super::Answer;
use crate::fault::Fault;

/// The page of a code; without one, the list of them.
pub(super) fn explain(code: Option<&str>) -> Result<Answer, Fault> {
    let Some(code) = code else {
        return Ok(list());
    };
    let found = page(code).ok_or_else(|| {
        let near = nearest(code).map(|near| format!(": `cargo tabellion explain {near}`"));
        Fault::Usage(format!(
            "no rule has the code `{code}`; {}",
            match near {
                Some(near) => format!("one with a similar name exists{near}"),
                None => "run `cargo tabellion explain` for the list".to_owned(),
            }
        ))
    })?;
    let level = found.level.as_str();
    let text = format!(
        "{} ({level})\n{}\n\n{}\n",
        found.code, found.summary, found.text
    );
    let json = json!({
        "code": found.code,
        "level": level,
        "summary": found.summary,
        "page": found.text,
    });
    Ok(Answer::done(text, json))
}

fn list() -> Answer {
    let pages = pages();
    let widest = pages.iter().map(|page| page.code.len()).max().unwrap_or(0);
    let lines = pages.iter().map(|page| {
        let (code, level) = (page.code, page.level.as_str());
        format!("{code:widest$}  {level:7}  {}\n", page.summary)
    });
    let rules = pages.iter().map(|page| {
        json!({
            "code": page.code,
            "level": page.level.as_str(),
            "summary": page.summary,
        })
    });
    let rules: Value = rules.collect();
    Answer::done(lines.collect::<String>(), json!({ "rules": rules }))
}
