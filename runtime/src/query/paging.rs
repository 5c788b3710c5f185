//! A page of a finder's rows, and the cursor to go on from.

use super::cursor::{self, Cursor, Page};
use super::finder::{Finder, Limit, Place, TotalOrder};
use super::{Fetch, Projection, Select, TableInfo, Wanted};
use crate::row::Rows;
use crate::table::AllowsSelect;
use crate::{Error, Scope, Scoped};

impl<R: Projection, Rest, O> Finder<R, Rest, O> {
    /// Only rows behind that place in the finder's order.
    ///
    /// Rows that come and go meanwhile move no other: each row that stays is read once.
    pub fn after(mut self, cursor: &Cursor<R::Table>) -> Self
    where
        O: TotalOrder,
    {
        self.after = Some((cursor.finder, cursor.values.clone()));
        self
    }

    /// As many rows as the limit says, and the cursor to go on from.
    ///
    /// # Errors
    /// [`Error::Cursor`] where the one of [`Finder::after`] does not fit; else see [`Error`].
    pub fn page<S: Scope>(self, scope: &Scoped<S>) -> Fetch<'_, Page<R, R::Table>>
    where
        O: TotalOrder,
        R::Table: AllowsSelect<S>,
    {
        let (select, limit) = (self.select, self.limit);
        let query = self.query(Wanted::Page);
        Fetch::new(async move {
            let mut rows = scope.guise.run(query?).await?;
            let next = match limit {
                Limit::Rows(limit) => next(&mut rows, select, R::INFO, limit)?,
                Limit::None | Limit::Invalid => None,
            };
            Ok(Page {
                rows: rows.decode(R::from_row)?,
                next: next.map(|(finder, values)| Cursor::new(finder, values)),
            })
        })
    }
}

/// Takes away the row beyond the limit; where there was one, the place behind the last row.
fn next(
    rows: &mut Rows,
    select: Select,
    info: &TableInfo,
    limit: u32,
) -> Result<Option<Place>, Error> {
    let limit = limit as usize;
    if rows.bodies.len() <= limit {
        return Ok(None);
    }
    rows.bodies.truncate(limit);
    let mut behind = info.columns.len();
    let positions: Vec<usize> = select
        .order()
        .map(|(column, _)| {
            let own = info.columns.iter().position(|name| *name == column);
            own.unwrap_or_else(|| {
                behind += 1;
                behind - 1
            })
        })
        .collect();
    let values = rows.last_values(&positions)?;
    Ok(values.map(|values| (cursor::finder(info.name, &select), values)))
}
