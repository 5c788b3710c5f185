//! The types that PostgreSQL itself has.

use super::Type;

/// PostgreSQL's own types that a column may have and the schema holds by name. Source: `pg_type` of
/// PostgreSQL 15.
const BUILT_IN: [&str; 52] = [
    "\"char\"",
    "aclitem",
    "bit",
    "box",
    "bpchar",
    "cid",
    "cidr",
    "circle",
    "datemultirange",
    "daterange",
    "inet",
    "int4multirange",
    "int4range",
    "int8multirange",
    "int8range",
    "interval",
    "json",
    "jsonpath",
    "line",
    "lseg",
    "macaddr",
    "macaddr8",
    "money",
    "name",
    "nummultirange",
    "numrange",
    "oid",
    "oidvector",
    "path",
    "pg_lsn",
    "pg_snapshot",
    "point",
    "polygon",
    "refcursor",
    "regclass",
    "regnamespace",
    "regproc",
    "regrole",
    "regtype",
    "tid",
    "timetz",
    "tsmultirange",
    "tsquery",
    "tsrange",
    "tstzmultirange",
    "tstzrange",
    "tsvector",
    "txid_snapshot",
    "varbit",
    "xid",
    "xid8",
    "xml",
];

/// Whether PostgreSQL itself has a type of that name, which stands without schema and parameters.
pub(crate) fn is_built_in(name: &str) -> bool {
    BUILT_IN.contains(&name)
}

/// The name of a type where it is PostgreSQL's own: neither a domain nor what an extension brings.
pub(crate) fn own_name(ty: &Type) -> Option<String> {
    let name = ty.internal_name();
    match ty {
        Type::Array(element) => own_name(element).map(|_| name),
        Type::Named(_) => {
            let bare = name.strip_prefix("pg_catalog.").unwrap_or(&name);
            is_built_in(bare).then(|| bare.to_owned())
        }
        _ => Some(name),
    }
}

impl Type {
    /// Whether PostgreSQL compares values of the type by a collation; `None` where only it knows the type, such
    /// as a domain.
    pub fn is_collatable(&self) -> Option<bool> {
        match self {
            Type::Array(element) => element.is_collatable(),
            Type::Text | Type::Varchar(_) | Type::Char(_) => Some(true),
            ty => own_name(ty).map(|name| matches!(name.as_str(), "bpchar" | "name")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_collated_and_of_what_others_made_nothing_is_known() {
        let is_collatable = |ty: &str| ty.parse::<Type>().expect("a type").is_collatable();
        for ty in ["text", "varchar(3)", "char(3)[]", "bpchar", "name"] {
            assert_eq!(is_collatable(ty), Some(true), "{ty}");
        }
        for ty in [
            "integer",
            "uuid[]",
            "jsonb",
            "inet",
            "pg_catalog.json",
            "\"char\"",
            "bit(3)",
        ] {
            assert_eq!(is_collatable(ty), Some(false), "{ty}");
        }
        for ty in ["citext", "own", "public.inet"] {
            assert_eq!(is_collatable(ty), None, "{ty}");
        }
    }
}
