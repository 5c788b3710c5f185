//! Statements on one table: what they are, and their SQL.
//!
//! ```
//! # use tabellion::*;
//! # #[derive(Scope)]
//! # #[scope(role = "shop_app")]
//! # pub struct Shop {
//! #     #[setting("app.current_shop")]
//! #     pub domain: String,
//! # }
//! # #[derive(Table)]
//! # #[table(scope = Shop)]
//! # #[index(columns(shop, priority, id desc), finder = "by_shop")]
//! # #[tenant(shop = scope.domain)]
//! # pub struct Task {
//! #     #[column(primary_key, identity)]
//! #     pub id: i64,
//! #     pub shop: String,
//! #     pub priority: i16,
//! # }
//! # async fn read(acme: &Scoped<Shop>, asked: &str) -> Result<(), Error> {
//! let urgent = Task::by_shop("acme").eq(1).limit(20).fetch_all(acme).await?;
//! let some = Task::by_shop("acme").range(1..=3).reverse().count(acme).await?;
//!
//! let page = Task::by_shop("acme").limit(20).page(acme).await?;
//! let text = page.next.map(|cursor| cursor.to_string()); // for a client, who asks with it
//!
//! let cursor = asked.parse::<Cursor<Task>>()?;
//! let more = Task::by_shop("acme").limit(20).after(&cursor).page(acme).await?;
//! # Ok(())
//! # }
//! ```
//!
//! A statement is known by its shape, not by its text: a connection looks its prepared form up by
//! shape, and writes the text only when it has to prepare it.

mod behind;
mod bypassing;
mod change;
mod cursor;
mod delete;
mod each;
mod elements;
mod fetch;
mod find;
mod finder;
mod found;
mod from_row;
mod index;
mod insert;
mod insert_many;
mod lock;
mod narrow;
mod paging;
mod projection;
mod raw;
mod select;
mod sql;
mod stream;
mod unindexed;
mod update;
mod upsert;
mod written;

use std::hash::{Hash, Hasher};

pub use bypassing::Bypassing;
pub use change::{Change, Changeable, Fixed, MayChange};
pub use cursor::{Cursor, Page};
pub use delete::Delete;
pub use each::{Each, each};
pub use fetch::Fetch;
pub use find::Find;
pub use finder::{Finder, Ties, Total, TotalOrder};
pub use found::{DeleteFound, UpdateFound};
pub use from_row::{FieldInfo, FromRow, RowInfo};
pub use index::{Index, Order, Piece};
pub use insert::Insert;
pub use insert_many::{InsertMany, InsertRow};
pub use lock::Locked;
pub use narrow::{NextValue, ValueRange};
pub use projection::{Projection, column};
pub use raw::{QueryAs, Value, Values};
pub use stream::RowStream;
pub use unindexed::Unindexed;
pub use update::Update;
pub use upsert::{InsertOrNothing, InsertOrUpdate, OnConflict, UniqueKey};

pub(crate) use lock::Lock;
use raw::Raw;
pub(crate) use select::{Select, Wanted};
pub(crate) use sql::plain;
use upsert::Conflict;

use crate::error::{ServerError, Written};
use crate::row::{Row, Rows};
use crate::{Error, Params};

/// A table as statements see it.
#[doc(hidden)]
#[derive(Debug)]
pub struct TableInfo {
    /// The qualified name as SQL.
    pub name: &'static str,
    /// The columns as SQL, in the order of the fields.
    pub columns: &'static [&'static str],
    /// The constraints.
    pub constraints: &'static [Constraint],
    /// The columns whose values have a limit.
    pub limits: &'static [SizeLimit],
    /// The indexes that have a finder.
    pub finders: &'static [Index],
}

/// A constraint or unique index by its plain name, and the fields that it is about.
#[doc(hidden)]
pub type Constraint = (&'static str, &'static [&'static str]);

/// A column, and the type as SQL that says how large its values may be.
#[doc(hidden)]
pub type SizeLimit = (&'static str, &'static str);

impl TableInfo {
    /// What stands for the table of rows that no table holds.
    pub const fn of_rows(name: &'static str, columns: &'static [&'static str]) -> Self {
        TableInfo {
            name,
            columns,
            constraints: &[],
            limits: &[],
            finders: &[],
        }
    }

    /// The columns of an index by its name, or of all that have a finder.
    pub(crate) fn indexed(&self, index: Option<&str>) -> Vec<String> {
        let is_it = |found: &&Index| index.is_none_or(|name| name == found.name);
        let mut all = Vec::new();
        for (column, _) in self.finders.iter().filter(is_it).flat_map(|it| it.columns) {
            let column = plain(column);
            if !all.contains(&column) {
                all.push(column);
            }
        }
        all
    }

    /// The fields that a constraint of a table is about; none where the table is another one.
    pub(crate) fn fields_of(&self, table: &str, constraint: &str) -> &'static [&'static str] {
        let name = plain(self.name);
        let own = name.rsplit('.').next() == table.rsplit('.').next();
        let found = self
            .constraints
            .iter()
            .find(|(name, _)| *name == constraint);
        match found {
            Some((_, fields)) if own => fields,
            _ => &[],
        }
    }
}

/// A statement and the values of its parameters.
#[derive(Debug)]
pub(crate) struct Query {
    pub(crate) key: Key,
    pub(crate) params: Params,
}

/// A statement without its values.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    table: ByAddress<TableInfo>,
    shape: Shape,
}

impl Key {
    pub(crate) fn new(table: &'static TableInfo, shape: Shape) -> Self {
        Key {
            table: ByAddress(table),
            shape,
        }
    }

    fn select(table: &'static TableInfo, select: Select) -> Self {
        Key::new(table, Shape::Select(select))
    }

    fn into_select(self) -> Option<Select> {
        match self.shape {
            Shape::Select(select) => Some(select),
            _ => None,
        }
    }

    pub(crate) fn table(&self) -> &'static TableInfo {
        self.table.0
    }

    /// The privilege that the statement is about; also the operation's name in traces.
    pub(crate) fn operation(&self) -> &'static str {
        match self.shape {
            Shape::Select(_) | Shape::Find { .. } | Shape::Unindexed { .. } => "select",
            Shape::Insert { .. } | Shape::InsertMany { .. } => "insert",
            Shape::Update { .. } | Shape::UpdateFound { .. } => "update",
            Shape::Delete { .. } | Shape::DeleteFound { .. } => "delete",
            Shape::Raw(_) => "raw SQL",
        }
    }

    /// What a query is called in traces: the finder's name, or the method's.
    pub(crate) fn finder(&self) -> &'static str {
        match &self.shape {
            Shape::Select(select)
            | Shape::UpdateFound { select, .. }
            | Shape::DeleteFound { select, .. } => select.index.0.finder,
            Shape::Unindexed { .. } => "unindexed",
            Shape::Find { .. } => "find",
            Shape::Insert { conflict: None, .. } => "insert",
            Shape::Insert { .. } => "on_conflict",
            Shape::InsertMany { .. } => "insert_many",
            Shape::Update { .. } => "update",
            Shape::Delete { .. } => "delete",
            Shape::Raw(raw) => match raw.row {
                Some(_) => "query_as",
                None => "execute",
            },
        }
    }

    /// Whether the server refused a value of a cursor, at which nobody but it has looked. Which parameter it was, it
    /// may not say.
    pub(crate) fn is_bad_cursor(&self, error: &ServerError) -> bool {
        let has_cursor = matches!(&self.shape, Shape::Select(select) if select.after.is_some());
        let is_its = |parameter| self.is_of_cursor(parameter);
        has_cursor && error.is_bad_parameter() && error.parameter.is_none_or(is_its)
    }

    /// Whether a parameter, counted from 0, is a value of a cursor.
    pub(crate) fn is_of_cursor(&self, parameter: usize) -> bool {
        matches!(&self.shape, Shape::Select(select) if select.is_of_cursor(parameter))
    }

    /// Whether it may write: of raw SQL, which may call a function, nobody knows.
    pub(crate) fn is_write(&self) -> bool {
        self.operation() != "select"
    }

    /// What it has done once it is committed.
    pub(crate) fn written(&self) -> Written {
        match self.raw() {
            Some(sql) => written::of(sql),
            None if self.is_write() => Written::Yes,
            None => Written::No,
        }
    }

    /// The text of raw SQL.
    pub(crate) fn raw(&self) -> Option<&'static str> {
        match &self.shape {
            Shape::Raw(raw) => Some(raw.sql.0),
            _ => None,
        }
    }

    /// What rows of raw SQL are read as.
    pub(crate) fn row(&self) -> Option<&'static RowInfo> {
        match &self.shape {
            Shape::Raw(raw) => raw.row.map(|row| row.0),
            _ => None,
        }
    }
}

/// What a statement does. Parameters are numbered in the order in which they are named here.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Shape {
    /// Rows along an index; the limit is the last parameter.
    Select(Select),
    /// All rows, or how many there are; the limit is the only parameter.
    Unindexed { counted: bool, limited: bool },
    /// The row of a key.
    Find {
        key: &'static [&'static str],
        lock: Option<Lock>,
    },
    /// A new row.
    Insert {
        columns: Vec<&'static str>,
        conflict: Option<Conflict>,
        version: Version,
        returning: bool,
    },
    /// New rows: an array for each column, or how many rows where no column is set. Of a column of an array type
    /// three: the elements of all, where each begins, where each ends.
    InsertMany {
        columns: Vec<&'static str>,
        types: Vec<&'static str>,
        returning: bool,
    },
    /// The changed columns, then the key, then the version that the row must have, where one is expected.
    Update {
        columns: Vec<&'static str>,
        key: &'static [&'static str],
        version: Version,
        expected: bool,
        returning: bool,
    },
    /// The row of a key, then the version that it must have.
    Delete {
        key: &'static [&'static str],
        version: Version,
    },
    /// What a finder finds, then the changed columns.
    UpdateFound {
        select: Select,
        columns: Vec<&'static str>,
        version: Version,
        returning: bool,
    },
    /// What a finder finds.
    DeleteFound { select: Select, returning: bool },
    /// What the program's author wrote.
    Raw(Raw),
}

/// The column that counts the updates of its row, where there is one.
type Version = Option<&'static str>;

/// A constant of the program, compared by where it lies: cheaper than by its text, and two places
/// for one text cost no more than a second prepared statement.
#[derive(Debug)]
pub(crate) struct ByAddress<T: ?Sized + 'static>(pub(crate) &'static T);

impl<T: ?Sized> Clone for ByAddress<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized> Copy for ByAddress<T> {}

impl<T: ?Sized> PartialEq for ByAddress<T> {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}

impl<T: ?Sized> Eq for ByAddress<T> {}

impl<T: ?Sized> Hash for ByAddress<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::ptr::from_ref(self.0).hash(state);
    }
}

/// The first of the rows.
fn first<T>(rows: &Rows, decode: fn(&Row<'_>) -> Result<T, Error>) -> Result<Option<T>, Error> {
    Ok(rows.decode(decode)?.into_iter().next())
}

#[cold]
fn not_found(table: &'static TableInfo) -> Error {
    Error::NotFound {
        table: plain(table.name),
    }
}
