//! Arrays of values whose types only the server knows.

use std::sync::{Arc, OnceLock};

use bytes::{BufMut, BytesMut};
use fallible_iterator::FallibleIterator;
use postgres_protocol::IsNull as Encoded;
use postgres_protocol::types::{ArrayDimension, array_from_sql, array_to_sql};
use tokio_postgres::types::{IsNull, Kind, ToSql, Type, to_sql_checked};

use crate::Params;
use crate::types::Param;
use crate::wire::encode_element;

/// A value of any type.
pub(super) type Value = Box<dyn ToSql + Send + Sync>;

type EncodeError = Box<dyn std::error::Error + Send + Sync>;

/// An array of values that are only known to be parameters.
#[derive(Debug)]
struct Elements(Vec<Value>);

impl ToSql for Elements {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, EncodeError> {
        let element = element(ty)?;
        array_to_sql(
            Some(dimension(self.0.len())?),
            element.oid(),
            &self.0,
            |value, out| encode_element(value.as_ref(), element, out),
            out,
        )?;
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        matches!(ty.kind(), Kind::Array(_))
    }

    to_sql_checked!();
}

impl Param for Elements {
    fn into_sql(self) -> Value {
        Box::new(self)
    }
}

fn element(ty: &Type) -> Result<&Type, EncodeError> {
    match ty.kind() {
        Kind::Array(element) => Ok(element),
        _ => Err("not an array".into()),
    }
}

fn dimension(len: usize) -> Result<ArrayDimension, EncodeError> {
    Ok(ArrayDimension {
        len: len.try_into()?,
        lower_bound: 1,
    })
}

/// The elements of many arrays as one array, since PostgreSQL has no array of arrays that differ in length. Where
/// each begins and ends is said by the two [`Bounds`] that go with it.
#[derive(Debug)]
struct Flat {
    arrays: Vec<Value>,
    places: Places,
}

/// First and last element of each array, counted from 1; none of a NULL.
type Places = Arc<OnceLock<Vec<Option<(i32, i32)>>>>;

/// Where each of the arrays of a [`Flat`] begins, or where it ends. Encoded after it.
#[derive(Debug)]
struct Bounds {
    places: Places,
    last: bool,
}

/// The values of many rows in one column: an array, or the three parameters that stand for many arrays.
pub(super) fn push(params: &mut Params, values: Vec<Value>, are_arrays: bool) {
    if !are_arrays {
        params.push(Elements(values));
        return;
    }
    let places = Places::default();
    let bounds = |last| Bounds {
        places: places.clone(),
        last,
    };
    let (first, last) = (bounds(false), bounds(true));
    params.push_sql(Box::new(Flat {
        arrays: values,
        places,
    }));
    params.push_sql(Box::new(first));
    params.push_sql(Box::new(last));
}

impl ToSql for Flat {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, EncodeError> {
        let element = element(ty)?;
        let (mut places, mut all, mut count) = (Vec::new(), BytesMut::new(), 0_i32);
        let mut one = BytesMut::new();
        for array in &self.arrays {
            one.clear();
            if let Encoded::Yes = encode_element(array.as_ref(), ty, &mut one)? {
                places.push(None);
                continue;
            }
            let mut values = array_from_sql(&one)?.values();
            let first = count + 1;
            while let Some(value) = values.next()? {
                count = count.checked_add(1).ok_or("too many elements")?;
                match value {
                    None => all.put_i32(-1),
                    Some(bytes) => {
                        all.put_i32(bytes.len().try_into()?);
                        all.put_slice(bytes);
                    }
                }
            }
            places.push(Some((first, count)));
        }
        // The form of an array: dimensions, whether one is NULL, type, then length and begin of the dimension.
        out.put_i32(1);
        out.put_i32(1);
        out.put_u32(element.oid());
        out.put_i32(count);
        out.put_i32(1);
        out.put_slice(&all);
        // The same statement may be encoded a second time, and comes out the same.
        let _ = self.places.set(places);
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        matches!(ty.kind(), Kind::Array(_))
    }

    to_sql_checked!();
}

impl ToSql for Bounds {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, EncodeError> {
        let places = self.places.get().map_or(&[][..], Vec::as_slice);
        array_to_sql(
            Some(dimension(places.len())?),
            Type::INT4.oid(),
            places,
            |place, out| match place {
                None => Ok(Encoded::Yes),
                Some((first, last)) => {
                    out.put_i32(if self.last { *last } else { *first });
                    Ok(Encoded::No)
                }
            },
            out,
        )?;
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::INT4_ARRAY
    }

    to_sql_checked!();
}
