//! The file as it grows. A build draws it for every table, without optimisation: it is written where it stays.

use crate::ident::quote_literal;

/// The text of the file so far.
#[derive(Default)]
pub(super) struct Out(pub(super) String);

impl Out {
    pub(super) fn line(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }

    /// An `insert` of rows, where there are any.
    pub(super) fn insert<T>(
        &mut self,
        into: &str,
        rows: impl IntoIterator<Item = T>,
        write: impl Fn(&mut Values<'_>, T),
    ) {
        let mut is_first = true;
        for row in rows {
            if is_first {
                self.0.push_str("insert into pg_temp.");
                self.0.push_str(into);
                self.0.push_str(" values\n");
                is_first = false;
            } else {
                self.0.push_str(",\n");
            }
            self.0.push_str("  (");
            let mut values = Values {
                out: &mut self.0,
                is_first: true,
            };
            write(&mut values, row);
            self.0.push(')');
        }
        if !is_first {
            self.0.push_str(";\n\n");
        }
    }
}

/// The values of a row.
pub(super) struct Values<'a> {
    out: &'a mut String,
    is_first: bool,
}

impl Values<'_> {
    fn between(&mut self, between: &str) {
        if !self.is_first {
            self.out.push_str(between);
        }
        self.is_first = false;
    }

    pub(super) fn sql(&mut self, sql: &str) {
        self.between(", ");
        self.out.push_str(sql);
    }

    pub(super) fn is(&mut self, is: bool) {
        self.sql(if is { "true" } else { "false" });
    }

    pub(super) fn text(&mut self, text: &str) {
        self.between(", ");
        push_text(self.out, text);
    }

    /// A text, or null where there is none.
    pub(super) fn text_or_null(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.text(text),
            None => self.sql("null"),
        }
    }

    /// The same on a line of its own, as what is long.
    pub(super) fn below(&mut self, text: Option<&str>) {
        self.between(",\n    ");
        match text {
            Some(text) => push_text(self.out, text),
            None => self.out.push_str("null"),
        }
    }

    pub(super) fn array<'a>(&mut self, mut names: impl Iterator<Item = &'a str>) {
        // PostgreSQL gives `array[]` no type.
        let Some(first) = names.next() else {
            return self.sql("'{}'");
        };
        self.sql("array[");
        push_text(self.out, first);
        for name in names {
            self.out.push_str(", ");
            push_text(self.out, name);
        }
        self.out.push(']');
    }
}

/// A text as SQL: between dollars where it holds quotes, as a literal elsewhere.
pub(super) fn text(text: &str) -> String {
    let mut out = String::new();
    push_text(&mut out, text);
    out
}

fn push_text(out: &mut String, text: &str) {
    // Each a search for one byte, which the standard library has optimised.
    let has = |byte: char| text.contains(byte);
    if has('\'') {
        let tag = if has('$') { "$sql$" } else { "$$" };
        if !text.contains(tag) {
            out.push_str(tag);
            out.push_str(text);
            out.push_str(tag);
            return;
        }
    } else if !(has('\\') || has('\r') || has('\n')) {
        out.push('\'');
        out.push_str(text);
        out.push('\'');
        return;
    }
    out.push_str(&quote_literal(text));
}
