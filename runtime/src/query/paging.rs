//! Where a page begins and ends: a cursor's values against an order, and those of a page's last row.

use super::finder::Place;
use super::{Select, TableInfo, cursor};
use crate::Error;
use crate::row::Rows;

/// Which of a cursor's values are NULL, a bit each, if they can be those of the finder's columns.
pub(super) fn nulls(select: &Select, values: &[Option<Vec<u8>>]) -> Option<u32> {
    if select.order().count() != values.len() {
        return None;
    }
    let mut nulls = 0;
    for (n, ((_, order), value)) in select.order().zip(values).enumerate() {
        if value.is_none() {
            order.nulls_last()?;
            nulls |= 1 << n;
        }
    }
    Some(nulls)
}

/// Takes away the row beyond the limit; where there was one, the place behind the last row.
pub(super) fn next(
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
