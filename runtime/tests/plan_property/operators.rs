//! What a column type can take part in: orders, hashes, keys, and the indexes of each method.

use tabellion_sql::schema::Type;

use crate::types::{Family, element_or_self, family, named};

/// Whether it can be sorted: it has a default operator class for B-trees.
pub(crate) fn sorts(ty: &Type) -> bool {
    !matches!(named(element_or_self(ty)), "json" | "point" | "xml")
}

/// Whether it has a default operator class for hash indexes.
pub(crate) fn hashes(ty: &Type) -> bool {
    let odd = [
        "tsvector",
        "tsquery",
        "money",
        "bit(4)",
        "varbit",
        "varbit(9)",
        "cube",
        "ltree",
    ];
    sorts(ty) && !odd.contains(&named(element_or_self(ty)))
}

/// Whether a column of it may be a key: it sorts, and as many values as a table has rows differ.
pub(crate) fn keys(ty: &Type) -> bool {
    sorts(ty) && *element_or_self(ty) != Type::Bool
}

/// Whether it has a default operator class for GiST once `btree_gist` is there.
pub(crate) fn gists(ty: &Type) -> bool {
    use Type::*;
    match ty {
        Int2 | Int4 | Int8 | Float4 | Float8 | Numeric(_) | Text | Varchar(_) | Char(_) | Uuid
        | Date | Time(_) | Timestamp(_) | Timestamptz(_) | Interval | Bytea => true,
        Named(name) => {
            is_range(ty)
                || matches!(
                    name.as_str(),
                    "macaddr" | "macaddr8" | "point" | "hstore" | "ltree" | "cube"
                )
                || matches!(name.as_str(), "tsvector" | "tsquery" | "money" | "timetz")
        }
        _ => false,
    }
}

/// Whether equality can exclude, with `btree_gist`.
pub(crate) fn excludes_equals(ty: &Type) -> bool {
    use Type::*;
    matches!(
        ty,
        Int2 | Int4 | Int8 | Text | Varchar(_) | Uuid | Date | Timestamp(_) | Timestamptz(_)
    )
}

pub(crate) fn is_range(ty: &Type) -> bool {
    named(ty).ends_with("range") && !named(ty).ends_with("multirange")
}

/// Whether it has a default operator class for GIN, `btree_gin` aside.
pub(crate) fn gins(ty: &Type) -> bool {
    match ty {
        Type::Array(element) => sorts(element),
        Type::Jsonb => true,
        ty => matches!(named(ty), "tsvector" | "hstore"),
    }
}

/// Whether it has a default operator class for BRIN.
pub(crate) fn brins(ty: &Type) -> bool {
    matches!(family(ty), Family::Number | Family::Moment) || *ty == Type::Uuid || is_range(ty)
}

/// Whether it has a default operator class for SP-GiST.
pub(crate) fn spgists(ty: &Type) -> bool {
    is_range(ty) || matches!(ty, Type::Text | Type::Varchar(_)) || named(ty) == "inet"
}

/// Another operator class that a method has for a type.
pub(crate) fn operator_classes(method: &str, ty: &Type) -> &'static [&'static str] {
    match (method, ty) {
        ("btree", Type::Text) => &["text_pattern_ops", "text_ops"],
        ("btree", Type::Varchar(_)) => &["varchar_pattern_ops"],
        ("btree", Type::Char(_)) => &["bpchar_pattern_ops"],
        ("btree", Type::Int4) => &["int4_ops"],
        ("hash", Type::Text) => &["text_pattern_ops"],
        ("gin", Type::Jsonb) => &["jsonb_path_ops"],
        ("gin", Type::Text) => &["gin_trgm_ops"],
        ("gist", Type::Text) => &["gist_trgm_ops"],
        ("gist", Type::Named(name)) if name == "inet" || name == "cidr" => &["inet_ops"],
        ("brin", Type::Int4) => &["int4_minmax_multi_ops", "int4_bloom_ops"],
        ("spgist", Type::Text) => &["text_ops"],
        _ => &[],
    }
}
