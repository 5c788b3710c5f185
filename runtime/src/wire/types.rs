//! The types of parameters and columns that are not built in.

use std::collections::HashMap;

use tokio_postgres::types::{Kind, Oid, Type};

use super::{Fault, Wire, bind_texts, parse, texts};

/// What the catalog says of a type.
pub(crate) struct TypeInfo {
    name: String,
    schema: String,
    /// `pg_type.typtype`.
    kind: String,
    /// The type under a domain; else 0.
    base: Oid,
    /// The type of an array's elements; else 0.
    element: Oid,
}

/// One row for each type of an array of OIDs and for every type that it is made of.
///
/// It runs under the session's search path, where whoever may create in one of its schemas could lay a better
/// match: so whatever it names, operators too, it names in pg_catalog.
const TYPES_SQL: &str = "\
with recursive wanted(oid) as ( \
  select pg_catalog.unnest($1::pg_catalog._oid) \
  union \
  select part.oid from wanted \
  join pg_catalog.pg_type t on t.oid operator(pg_catalog.=) wanted.oid \
  cross join lateral (values (t.typbasetype), (t.typelem)) part(oid) \
  where part.oid operator(pg_catalog.<>) 0::pg_catalog.oid \
) \
select t.oid, t.typname, n.nspname, t.typtype, t.typbasetype, \
  case when t.typcategory operator(pg_catalog.=) 'A'::pg_catalog.\"char\" \
    then t.typelem else 0::pg_catalog.oid end \
from wanted join pg_catalog.pg_type t on t.oid operator(pg_catalog.=) wanted.oid \
join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) t.typnamespace";

/// Asks the catalog for types and what they are made of, in one round trip.
pub(crate) async fn look_up(
    wire: &mut Wire,
    oids: &[String],
) -> Result<HashMap<Oid, TypeInfo>, Fault> {
    const UNREADABLE: Fault = Fault::Protocol("the catalog's answer does not parse");
    let wanted = format!("{{{}}}", oids.join(","));
    parse(&mut wire.outgoing, "", TYPES_SQL, false)
        .and_then(|()| bind_texts(&mut wire.outgoing, "", [wanted.as_str()]))
        .map_err(|_| UNREADABLE)?;
    let mut replies = wire.exchange().await?;
    let answer = replies.command()?;
    replies.committed()?;
    let mut found = HashMap::new();
    for row in &answer.rows {
        let Some(
            [
                Some(oid),
                Some(name),
                Some(schema),
                Some(kind),
                Some(base),
                Some(element),
            ],
        ) = texts(row)
        else {
            return Err(UNREADABLE);
        };
        let oid_of = |text: &str| text.parse::<Oid>().map_err(|_| UNREADABLE);
        let info = TypeInfo {
            name: name.to_owned(),
            schema: schema.to_owned(),
            kind: kind.to_owned(),
            base: oid_of(base)?,
            element: oid_of(element)?,
        };
        found.insert(oid_of(oid)?, info);
    }
    Ok(found)
}

/// The type, if the catalog need not be asked.
pub(crate) fn known(oid: Oid, found: &HashMap<Oid, TypeInfo>) -> Option<Type> {
    Type::from_oid(oid).or_else(|| found.contains_key(&oid).then(|| resolve(oid, found, 8)))
}

/// The type as the conversions of postgres-types understand it: a domain stands as the type under
/// it, since the Rust types know nothing of it and its binary form is the same.
fn resolve(oid: Oid, found: &HashMap<Oid, TypeInfo>, depth: u8) -> Type {
    if let Some(ty) = Type::from_oid(oid) {
        return ty;
    }
    let (Some(info), Some(depth)) = (found.get(&oid), depth.checked_sub(1)) else {
        return Type::new("unknown".into(), oid, Kind::Simple, String::new());
    };
    if info.kind == "d" {
        return resolve(info.base, found, depth);
    }
    let kind = match info.kind.as_str() {
        "e" => Kind::Enum(Vec::new()),
        _ if info.element != 0 => Kind::Array(resolve(info.element, found, depth)),
        _ => Kind::Simple,
    };
    Type::new(info.name.clone(), oid, kind, info.schema.clone())
}
