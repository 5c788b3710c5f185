//! Foreign keys: rustc resolves the table at the other end, and compares the types of the columns.

/// A table that a foreign key can reference, one of someone else included.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a table",
    label = "not a table",
    note = "add `#[derive(tabellion::Table)]` to `{Self}`"
)]
pub trait Referenced {
    /// The table's name without its schema, for messages.
    const TABLE: &'static str;
    /// The columns of its unique keys.
    const KEYS: &'static [KeyColumn];
    /// What the derive read of the struct.
    const FINGERPRINT: u64;
}

/// A column of a unique key.
#[derive(Debug)]
pub struct KeyColumn {
    /// The field.
    pub field: &'static str,
    /// The column's name.
    pub name: &'static str,
    /// PostgreSQL's internal name of its type.
    pub ty: &'static str,
    /// The field's type without `Option`, where it tells the column's; else empty.
    pub rust: &'static str,
}

/// A referencing column.
#[derive(Debug)]
pub struct End {
    /// The table's name without its schema.
    pub table: &'static str,
    /// The column's name.
    pub column: &'static str,
    /// PostgreSQL's internal name of its type.
    pub ty: &'static str,
}

/// Compares the type of a column with that of the one it references: the field `field` among the `keys`
/// of `table`.
///
/// A field that is in no key is the build script's to report, which sees the keys as wholes.
///
/// # Panics
/// In rustc, where they differ; the message says what to change.
#[track_caller]
pub const fn references(end: &End, table: &str, keys: &[KeyColumn], field: &str) {
    let mut i = 0;
    while i < keys.len() {
        let key = &keys[i];
        if super::equal(key.field, field) {
            if !super::equal(key.ty, end.ty) {
                panic!("{}", differ(end, table, key).as_str());
            }
            return;
        }
        i += 1;
    }
}

const fn differ(end: &End, table: &str, key: &KeyColumn) -> Text {
    let text = Text::EMPTY
        .with("column `")
        .with(end.table)
        .with(".")
        .with(end.column)
        .with("` is `")
        .with(end.ty)
        .with("` but references `")
        .with(table)
        .with(".")
        .with(key.name)
        .with("`, which is `")
        .with(key.ty);
    if key.rust.is_empty() {
        text.with("`; give both columns one type")
    } else {
        text.with("`; change the field to `")
            .with(key.rust)
            .with("`")
    }
}

/// A text that grows in a constant. What has no room is left out: names are 63 bytes at the most.
struct Text {
    bytes: [u8; 1024],
    len: usize,
}

impl Text {
    const EMPTY: Text = Text {
        bytes: [0; 1024],
        len: 0,
    };

    const fn with(mut self, text: &str) -> Text {
        let text = text.as_bytes();
        if text.len() > self.bytes.len() - self.len {
            return self;
        }
        let mut i = 0;
        while i < text.len() {
            self.bytes[self.len] = text[i];
            self.len += 1;
            i += 1;
        }
        self
    }

    const fn as_str(&self) -> &str {
        match std::str::from_utf8(self.bytes.split_at(self.len).0) {
            Ok(text) => text,
            Err(_) => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct User;

    impl Referenced for User {
        const TABLE: &'static str = "user";
        const KEYS: &'static [KeyColumn] = &[KeyColumn {
            field: "id",
            name: "id",
            ty: "int8",
            rust: "i64",
        }];
        const FINGERPRINT: u64 = 0;
    }

    const fn end(ty: &'static str) -> End {
        End {
            table: "post",
            column: "author_id",
            ty,
        }
    }

    const _: () = references(&end("int8"), User::TABLE, User::KEYS, "id");

    #[test]
    fn two_types_are_named_with_the_remedy() {
        let compare = || references(&end("int4"), User::TABLE, User::KEYS, "id");
        let said = std::panic::catch_unwind(compare).unwrap_err();
        assert_eq!(
            said.downcast_ref::<String>().map(String::as_str),
            Some(
                "column `post.author_id` is `int4` but references `user.id`, which is `int8`; \
                 change the field to `i64`"
            )
        );
    }

    #[test]
    fn a_text_that_is_too_long_leaves_something_out() {
        let long = "x".repeat(1_000);
        let text = Text::EMPTY.with("a").with(&long).with(&long).with("b");
        assert_eq!(text.as_str(), format!("a{long}b"));
    }
}
