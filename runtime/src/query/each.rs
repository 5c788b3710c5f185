//! Many finders as one statement.

use std::fmt;
use std::marker::PhantomData;

use super::elements::{Value, push};
use super::finder::Limit;
use super::{Fetch, Finder, Key, Projection, Query, Select, plain};
use crate::table::AllowsSelect;
use crate::{Error, Params, Row, Scope, Scoped, Table};

/// The rows of each of many finders, which differ in nothing but their values.
#[must_use = "nothing is read until it is fetched"]
pub struct Each<R> {
    select: Option<(Select, Limit)>,
    /// The values of each parameter, one for each finder.
    columns: Vec<Vec<Value>>,
    count: usize,
    fault: Option<Error>,
    of: PhantomData<fn() -> R>,
}

/// Many finders that differ in nothing but their values, as one statement: the children of many parents,
/// each parent's in the index's order and up to the limit.
///
/// ```
/// # use tabellion::*;
/// # #[derive(Scope)]
/// # #[scope(role = "shop_app")]
/// # pub struct Shop {
/// #     #[setting("app.current_shop")]
/// #     pub domain: String,
/// # }
/// # #[derive(Table)]
/// # #[table(scope = Shop)]
/// # #[index(columns(shop, post_id, id desc), finder = "by_post")]
/// # #[tenant(shop = scope.domain)]
/// # pub struct Comment {
/// #     #[column(primary_key, identity)]
/// #     pub id: i64,
/// #     pub shop: String,
/// #     pub post_id: i64,
/// # }
/// # async fn read(acme: &Scoped<Shop>, posts: Vec<i64>) -> Result<(), Error> {
/// let of_post = |post| Comment::by_post("acme").eq(post).limit(3);
/// let comments: Vec<Vec<Comment>> = each(posts.into_iter().map(of_post)).fetch_all(acme).await?;
/// # Ok(())
/// # }
/// ```
pub fn each<R: Projection, Rest, O>(
    finders: impl IntoIterator<Item = Finder<R, Rest, O>>,
) -> Each<R> {
    let mut each = Each {
        select: None,
        columns: Vec::new(),
        count: 0,
        fault: None,
        of: PhantomData,
    };
    for finder in finders {
        match finder.parts() {
            Ok((select, limit, params)) => each.add(select, limit, params),
            Err(error) => each.fault = Some(error),
        }
    }
    each
}

impl<R: Projection> Each<R> {
    fn add(&mut self, select: Select, limit: Limit, params: Params) {
        let values = params.into_values();
        let known = self.select.get_or_insert((select, limit));
        if *known != (select, limit) {
            self.fault = Some(Error::FindersDiffer {
                table: plain(R::INFO.name),
            });
            return;
        }
        self.columns.resize_with(values.len(), Vec::new);
        for (column, value) in self.columns.iter_mut().zip(values) {
            column.push(value);
        }
        self.count += 1;
    }

    /// The rows of each finder, in the order in which the finders were given. Without a finder nothing is sent.
    ///
    /// # Errors
    /// [`Error::FindersDiffer`] where one has another form than the first, and see [`Error`].
    pub fn fetch_all<S: Scope>(self, scope: &Scoped<S>) -> Fetch<'_, Vec<Vec<R>>>
    where
        R::Table: AllowsSelect<S>,
    {
        let count = self.count;
        let query = self.query();
        Fetch::new(async move {
            let Some(query) = query? else {
                return Ok(Vec::new());
            };
            let rows = scope.guise.run(query).await?;
            let mut found: Vec<Vec<R>> = Vec::new();
            found.resize_with(count, Vec::new);
            for (number, row) in rows.decode(numbered::<R>)? {
                let place = usize::try_from(number - 1).ok();
                if let Some(list) = place.and_then(|place| found.get_mut(place)) {
                    list.push(row);
                }
            }
            Ok(found)
        })
    }

    fn query(self) -> Result<Option<Query>, Error> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let Some((select, limit)) = self.select else {
            return Ok(None);
        };
        type Of<R> = <R as Projection>::Table;
        let select = select.of_each(<Of<R> as Table>::COLUMNS, <Of<R> as Table>::TYPES);
        let mut params = Params::default();
        for (n, column) in self.columns.into_iter().enumerate() {
            push(&mut params, column, select.is_nested(n));
        }
        params.push(match limit {
            Limit::Rows(rows) => Some(i64::from(rows)),
            Limit::None | Limit::Invalid => None,
        });
        Ok(Some(Query {
            key: Key::select(R::INFO, select),
            params,
        }))
    }
}

/// A row and the number of its finder, which stands behind its columns.
fn numbered<R: Projection>(row: &Row<'_>) -> Result<(i64, R), Error> {
    Ok((row.get(R::COLUMNS.len())?, R::from_row(row)?))
}

impl<R: Projection> fmt::Debug for Each<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Each")
            .field("table", &R::INFO.name)
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}
