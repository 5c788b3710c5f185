//! What a row of raw SQL is read as, and how its columns are matched with the fields before the first row.

use tokio_postgres::types::Type;

use super::{Projection, TableInfo, plain};
use crate::error::RawSql;
use crate::row::short_type_name;
use crate::types::FromColumn;
use crate::{Error, Row};

/// A struct that rows of raw SQL are read as: what [`Scoped::query_as`](crate::Scoped::query_as) gives.
///
/// Implemented by `#[derive(FromRow)]`, by every table and projection, and by tuples. A struct's fields get the
/// columns of their names, in whatever order they come; a tuple's get them by their places. Each column must have its
/// field and each field its column, of a type that the field is read from: this is compared when the statement is
/// prepared, before it runs, of a table or projection by name only and by type with the first row.
///
/// ```
/// # use tabellion::*;
/// # #[derive(Scope)]
/// # #[scope(role = "shop_app")]
/// # pub struct Shop {
/// #     #[setting("app.current_shop")]
/// #     pub domain: String,
/// # }
/// #[derive(FromRow)]
/// pub struct Day {
///     pub date: Date,
///     pub orders: i64,
///     #[column(name = "total")]
///     pub cents: Option<i64>,
/// }
///
/// # async fn read(acme: &Scoped<Shop>, since: Timestamp) -> Result<(), Error> {
/// let days = acme
///     .query_as::<Day>(
///         "select placed_at::date as date, count(*) as orders, sum(cents)::int8 as total \
///          from orders where placed_at >= $1 group by 1 order by 1",
///         (since,),
///     )
///     .fetch_all()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "no row of raw SQL can be read as a `{Self}`",
    label = "not read from a row",
    note = "add `#[derive(tabellion::FromRow)]` to `{Self}`, or use a tuple such as `(i64,)`"
)]
pub trait FromRow: Sized + 'static {
    #[doc(hidden)]
    const ROW: &'static RowInfo;

    /// Reads a row whose columns are in the order of the fields.
    ///
    /// # Errors
    /// [`Error::Decode`] if a value does not fit its field.
    fn from_row(row: &Row<'_>) -> Result<Self, Error>;
}

/// A struct as the columns of a statement see it.
#[doc(hidden)]
#[derive(Debug)]
pub struct RowInfo {
    /// The struct's name, or the table's, and the columns as SQL in the order of the fields.
    pub table: TableInfo,
    /// The fields; none where only the columns' names are known.
    pub fields: &'static [FieldInfo],
    /// Whether columns belong to fields by their places.
    pub by_place: bool,
}

/// A field of such a struct.
#[doc(hidden)]
#[derive(Debug)]
pub struct FieldInfo {
    /// Its name.
    pub name: &'static str,
    /// The name of its type.
    pub rust: fn() -> &'static str,
    /// Whether it is read from columns of a type.
    pub accepts: fn(&Type) -> bool,
}

impl RowInfo {
    /// Where the column of each field stands; none where they stand in the order of the fields.
    ///
    /// # Errors
    /// The first [`Error::RawSql`]: a column that is missing, there twice or too many, or of another type.
    pub(crate) fn order(
        &self,
        columns: &[String],
        types: &[Type],
    ) -> Result<Option<Vec<usize>>, Error> {
        let row = plain(self.table.name);
        let wanted: Vec<String> = self.table.columns.iter().map(|it| plain(it)).collect();
        if self.by_place && wanted.len() != columns.len() {
            return Err(Error::from(RawSql::Count {
                fields: wanted.len(),
                columns: columns.len(),
            }));
        }
        let mut order = Vec::with_capacity(wanted.len());
        for (place, column) in wanted.iter().enumerate() {
            let mut found = (columns.iter().enumerate()).filter(|(_, name)| *name == column);
            let at = match (self.by_place, found.next(), found.next()) {
                (true, ..) => place,
                (_, Some((at, _)), None) => at,
                (_, None, _) => {
                    return Err(Error::from(RawSql::Missing {
                        row,
                        field: self.field(place, column),
                        column: column.clone(),
                    }));
                }
                (_, _, Some(_)) => {
                    return Err(Error::from(RawSql::Twice {
                        row,
                        column: column.clone(),
                    }));
                }
            };
            if let (Some(field), Some(found)) = (self.fields.get(place), types.get(at))
                && !(field.accepts)(found)
            {
                return Err(Error::from(RawSql::Type {
                    row,
                    field: field.name.to_owned(),
                    column: columns[at].clone(),
                    rust: short_type_name((field.rust)()),
                    expected: read_from(field.accepts),
                    found: found.to_string(),
                }));
            }
            order.push(at);
        }
        if let Some(surplus) = columns.iter().find(|name| !wanted.contains(name))
            && !self.by_place
        {
            return Err(Error::from(RawSql::Surplus {
                row,
                column: surplus.clone(),
            }));
        }
        let is_same = order.iter().enumerate().all(|(place, at)| place == *at);
        Ok((!is_same).then_some(order))
    }

    fn field(&self, place: usize, column: &str) -> String {
        let field = self.fields.get(place).map(|field| field.name);
        field.unwrap_or(column).to_owned()
    }
}

/// The types that a field is read from, of those that columns have.
fn read_from(accepts: fn(&Type) -> bool) -> Option<String> {
    let all = [
        Type::BOOL,
        Type::INT2,
        Type::INT4,
        Type::INT8,
        Type::FLOAT4,
        Type::FLOAT8,
        Type::NUMERIC,
        Type::TEXT,
        Type::BYTEA,
        Type::UUID,
        Type::JSONB,
        Type::DATE,
        Type::TIME,
        Type::TIMESTAMP,
        Type::TIMESTAMPTZ,
        Type::INTERVAL,
        Type::INET,
        Type::CIDR,
        Type::MACADDR,
        Type::BOOL_ARRAY,
        Type::INT2_ARRAY,
        Type::INT4_ARRAY,
        Type::INT8_ARRAY,
        Type::FLOAT8_ARRAY,
        Type::NUMERIC_ARRAY,
        Type::TEXT_ARRAY,
        Type::UUID_ARRAY,
        Type::JSONB_ARRAY,
        Type::DATE_ARRAY,
        Type::TIMESTAMPTZ_ARRAY,
    ];
    all.iter().find(|ty| accepts(ty)).map(Type::to_string)
}

#[diagnostic::do_not_recommend]
impl<T: Projection> FromRow for T {
    const ROW: &'static RowInfo = &RowInfo {
        table: TableInfo {
            name: T::INFO.name,
            columns: T::COLUMNS,
            ..*T::INFO
        },
        fields: &[],
        by_place: false,
    };

    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        T::from_row(row)
    }
}

macro_rules! tuples {
    ($($($ty:ident $place:tt),+;)*) => {$(
        #[diagnostic::do_not_recommend]
        impl<$($ty: FromColumn + 'static),+> FromRow for ($($ty,)+) {
            const ROW: &'static RowInfo = &RowInfo {
                table: TableInfo::of_rows("tuple", &[$(stringify!($place)),+]),
                fields: &[$(FieldInfo {
                    name: stringify!($place),
                    rust: std::any::type_name::<$ty>,
                    accepts: $ty::accepts_type,
                }),+],
                by_place: true,
            };

            fn from_row(row: &Row<'_>) -> Result<Self, Error> {
                Ok(($($ty::get_column(row, $place)?,)+))
            }
        }
    )*};
}

tuples! {
    A 0;
    A 0, B 1;
    A 0, B 1, C 2;
    A 0, B 1, C 2, D 3;
    A 0, B 1, C 2, D 3, E 4;
    A 0, B 1, C 2, D 3, E 4, F 5;
}
