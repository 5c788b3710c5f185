//! The marks that a merge tool leaves in a file.

/// Between two of them stand both sides of a conflict, and what both come from in some.
const MARKS: [&str; 4] = ["<<<<<<<", "|||||||", "=======", ">>>>>>>"];

/// The number of the first line that begins a conflict, from 1, where it also ends.
pub(in crate::lock) fn conflict(text: &str) -> Option<usize> {
    let mut lines = text.lines();
    let line = lines.position(|line| line.starts_with(MARKS[0]))?;
    lines
        .any(|line| line.starts_with(MARKS[3]))
        .then_some(line + 1)
}

/// The text as each side has it, the one above first.
pub(in crate::lock) fn sides(text: &str) -> [String; 2] {
    let (mut sides, mut at) = ([String::new(), String::new()], None);
    for line in text.split_inclusive('\n') {
        match MARKS.iter().position(|mark| line.starts_with(mark)) {
            Some(0) => at = Some(0),
            Some(3) => at = None,
            mark if at.is_some() && mark.is_some() => at = mark,
            _ => {
                let above = matches!(at, None | Some(0));
                let below = matches!(at, None | Some(2));
                for (side, _) in sides
                    .iter_mut()
                    .zip([above, below])
                    .filter(|(_, is_its)| *is_its)
                {
                    side.push_str(line);
                }
            }
        }
    }
    sides
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_of_a_conflict_are_read() {
        let text = "a\n<<<<<<< HEAD\nb\n||||||| base\nx\n=======\nc\n>>>>>>> right\n=======\nd\n";
        assert_eq!(conflict(text), Some(2));
        assert_eq!(
            sides(text),
            ["a\nb\n=======\nd\n", "a\nc\n=======\nd\n"].map(str::to_owned)
        );
        assert_eq!(conflict("select 1;\n=======\n"), None);
        assert_eq!(sides("select 1;\n")[1], "select 1;\n");
    }
}
