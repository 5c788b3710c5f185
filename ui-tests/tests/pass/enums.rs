//! Enumerations: texts of their own, raw names, in a scope, beside what else an enum may have.

use tabellion::{Scope, Table, TextEnum};

/// With texts that no identifier could be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, TextEnum)]
#[non_exhaustive]
pub enum Kind {
    /// As it is.
    Plain,
    /// In snake case.
    HTTPServer2,
    /// Another text.
    #[text("it's \"quoted\"")]
    Quoted,
    /// A key word.
    #[text("type")]
    Type,
}

/// A private one, with numbers of its own that nobody reads.
#[derive(TextEnum)]
enum Level {
    Low = 1,
    High = 7,
}

/// A scope may hold one.
#[derive(Scope)]
#[scope(role = "app", external)]
pub struct Desk {
    /// Which desk.
    #[setting("app.desk")]
    pub kind: Kind,
    /// A key word as a name.
    #[setting("app.type")]
    pub r#type: i16,
}

/// A table of them.
#[derive(Table)]
#[table(scope = Desk)]
#[index(columns(kind), where = kind != Kind::Quoted)]
#[policy("desk", select, using = kind == scope.kind && level == Level::High)]
pub struct Ticket {
    /// Compared with the scope.
    #[column(primary_key, default = Kind::Plain)]
    pub kind: Kind,
    level: Level,
    /// In an array.
    pub before: Vec<Kind>,
    /// Compared with a key word.
    #[column(name = "Type")]
    pub number: Option<i16>,
}

pub(crate) fn check() {
    let texts = ["plain", "http_server2", "it's \"quoted\"", "type"];
    assert_eq!(Kind::VARIANTS, texts);
    for text in texts {
        let kind = <Kind as TextEnum>::from_text(text);
        assert_eq!(kind.map(|kind| kind.as_str()), Some(text));
    }
    assert!(matches!(Level::from_text("low"), Some(Level::Low)));
    assert_eq!(Level::High.as_str(), "high");
}
