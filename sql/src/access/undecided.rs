//! Why logic does not tell what a change does.

use std::fmt;

/// What it is that is not known, for whoever has to look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Undecided {
    /// A column that is of another type or collation on the other side, or that the other side lacks and may read
    /// something like it.
    Column(String),
    /// What PostgreSQL itself has renamed, in a text that is not ours to follow.
    Renamed,
    /// What stands in the text, and is not read here.
    Form(&'static str),
    /// A name that is written like a key word.
    Name(String),
    /// What may have another value each time.
    Call(String),
    /// What is compared with something else, so that order or equality are not known.
    Compared(Vec<String>),
    /// What is another value when and where it is read again.
    Literal(String),
    TooMany,
    /// A policy that was permissive is restrictive, or the other way round.
    Restrictive(bool),
}

impl fmt::Display for Undecided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not decided: ")?;
        match self {
            Undecided::Column(name) => write!(f, "column {name} is another one than before"),
            Undecided::Renamed => f.write_str("what it reads is renamed"),
            Undecided::Form(form) => write!(f, "{form}"),
            Undecided::Name(name) => write!(f, "a name like the key word {name}"),
            Undecided::Call(name) => write!(f, "it calls {name}()"),
            Undecided::Compared(names) => match &**names {
                [] => f.write_str("how its values compare"),
                [name] => write!(f, "how {name} compares"),
                [one, other, third, _, ..] => {
                    write!(f, "how {one}, {other}, {third} and others compare")
                }
                names => write!(f, "how {} compare", names.join(", ")),
            },
            Undecided::Literal(text) if text.len() <= 40 && !text.contains(char::is_control) => {
                write!(f, "{text} is read anew, when and where the policy is made")
            }
            Undecided::Literal(_) => {
                f.write_str("a text is read anew, when and where the policy is made")
            }
            Undecided::TooMany => f.write_str("there are too many values"),
            Undecided::Restrictive(true) => f.write_str("it is restrictive now"),
            Undecided::Restrictive(false) => f.write_str("it is permissive now"),
        }
    }
}
