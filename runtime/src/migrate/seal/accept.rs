//! What is not additive is sealed only when someone has said so, object by object.

use std::collections::BTreeMap;

use tabellion_sql::file::Header;
use tabellion_sql::plan::Subject;

use super::super::error::{MigrateError, Problems};

/// What its author says of a draft that is not additive.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SealOptions {
    /// `OBJECT: REASON` for each object that loses data or is opened to more, the object as the file's
    /// header names it.
    pub accept: Vec<String>,
    /// Whether someone has looked at what is rewritten, removed or closed.
    pub reviewed: bool,
}

/// Enters the reasons into the headers of the files that they concern.
///
/// # Errors
/// Everything that is missing, at once, each with the flag to write; a reason for what no file does.
pub(super) fn accept(
    headers: &mut [&mut Header],
    options: &SealOptions,
) -> Result<(), MigrateError> {
    let mut problems = Vec::new();
    let mut reasons: BTreeMap<String, String> = BTreeMap::new();
    let known: Vec<String> = headers
        .iter()
        .flat_map(|header| header.to_accept().map(str::to_owned))
        .collect();
    for given in &options.accept {
        let Ok(Subject { object, fate }) = given.parse() else {
            problems.push(format!(
                "`--accept {}` does not say what and why; write `--accept \"OBJECT: REASON\"`",
                quoted(given)
            ));
            continue;
        };
        if !known.contains(&object) {
            let choice = match known.as_slice() {
                [] => "nothing here needs a reason, so leave it out".to_owned(),
                objects => format!("those to accept are `{}`", objects.join("`, `")),
            };
            problems.push(format!(
                "`--accept` names `{object}`, which this does nothing to that needs a reason; {choice}"
            ));
            continue;
        }
        // A line break would end the comment that holds the reason.
        let reason = fate.split_whitespace().collect::<Vec<_>>().join(" ");
        if reasons.insert(object.clone(), reason).is_some() {
            problems.push(format!(
                "`--accept` names `{object}` twice; keep one reason"
            ));
        }
    }
    for header in headers.iter_mut() {
        for object in header.to_accept().map(str::to_owned).collect::<Vec<_>>() {
            if let Some(reason) = reasons.get(&object) {
                header.accepted.insert(object, reason.clone());
            } else if !header.accepted.contains_key(&object) {
                let hazards = header.hazards.iter();
                let whole: Vec<String> = hazards
                    .filter(|hazard| hazard.to_accept() == Some(&object))
                    .map(|hazard| format!("`{hazard}`"))
                    .collect();
                problems.push(format!(
                    "{} needs a reason; add `--accept {}`",
                    whole.join(", "),
                    quoted(&format!("{object}: REASON"))
                ));
            }
        }
    }
    let mut unseen: Vec<String> = Vec::new();
    for hazard in headers.iter().flat_map(|header| &header.hazards) {
        let shown = format!("`{hazard}`");
        if hazard.to_review() && !options.reviewed && !unseen.contains(&shown) {
            unseen.push(shown);
        }
    }
    if !unseen.is_empty() {
        problems.push(format!(
            "{} {} not additive; look at the SQL, then add `--reviewed`",
            unseen.join(", "),
            if unseen.len() == 1 { "is" } else { "are" }
        ));
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(MigrateError::Unaccepted(Problems(problems)))
    }
}

/// A word as a shell takes it.
fn quoted(text: &str) -> String {
    if text.contains(['"', '$', '`', '\\', '!']) {
        format!("'{}'", text.replace('\'', r"'\''"))
    } else {
        format!("\"{text}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(directives: &[&str]) -> Header {
        let lines = directives
            .iter()
            .map(|line| format!("-- tabellion: {line}\n"));
        Header::parse(&lines.collect::<String>()).expect("a header")
    }

    fn options(accept: &[&str], reviewed: bool) -> SealOptions {
        SealOptions {
            accept: accept.iter().map(|&text| text.to_owned()).collect(),
            reviewed,
        }
    }

    #[test]
    fn everything_that_is_missing_is_told_at_once_with_its_flag() {
        let mut first = header(&[
            "loses-data: column public.note.body: dropped",
            "locks: public.note (access exclusive)",
            "removes: index public.note_idx: dropped",
        ]);
        let mut second = header(&["widens-access: policy \"it's\" on public.note: changed"]);
        let error = accept(
            &mut [&mut first, &mut second],
            &options(&["table public.other: why", "nonsense"], false),
        )
        .unwrap_err()
        .to_string();
        let lines: Vec<&str> = error.lines().collect();
        assert_eq!(
            lines,
            [
                "`--accept` names `table public.other`, which this does nothing to that needs a reason; \
                 those to accept are `column public.note.body`, `policy \"it's\" on public.note`",
                "`--accept \"nonsense\"` does not say what and why; write `--accept \"OBJECT: REASON\"`",
                "`loses-data: column public.note.body: dropped` needs a reason; add \
                 `--accept \"column public.note.body: REASON\"`",
                "`widens-access: policy \"it's\" on public.note: changed` needs a reason; add \
                 `--accept 'policy \"it'\\''s\" on public.note: REASON'`",
                "`removes: index public.note_idx: dropped` is not additive; look at the SQL, then add \
                 `--reviewed`",
            ]
        );
        assert!(first.accepted.is_empty());
    }

    #[test]
    fn a_reason_goes_to_the_file_that_it_concerns() {
        let mut first = header(&["loses-data: column public.note.body: dropped"]);
        let mut second = header(&["scans: public.note"]);
        let given = options(&["column public.note.body:  never\n shown: ever"], false);
        accept(&mut [&mut first, &mut second], &given).unwrap();
        assert_eq!(
            first.accepted["column public.note.body"],
            "never shown: ever"
        );
        assert!(second.accepted.is_empty());
        let twice = options(
            &["column public.note.body: a", "column public.note.body: b"],
            true,
        );
        let error = accept(&mut [&mut first], &twice).unwrap_err();
        assert!(error.to_string().contains("twice"), "{error}");
    }
}
