//! Which extension brings a type or an operator class.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// An extension that a migration installs where it is missing; no rollback ever drops it, since other
/// objects than ours may need it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extension {
    /// The PostgreSQL schema that it is to lie in. Without one it is installed in the default one where it is
    /// missing, and lies anywhere else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
}

/// Extensions in wide use that are not relocatable: PostgreSQL moves none of them to another schema.
const FIXED: [&str; 13] = [
    "adminpack",
    "pg_cron",
    "pg_graphql",
    "pg_net",
    "pg_partman",
    "pgsodium",
    "plpgsql",
    "postgis",
    "postgis_raster",
    "postgis_tiger_geocoder",
    "postgis_topology",
    "timescaledb",
    "xml2",
];

/// The extensions on both sides that are to lie in another PostgreSQL schema than they were declared in, if in any,
/// with that schema. Of one that is to lie anywhere nothing tells where it lay before: it stays where it is.
pub(crate) fn moved<'a>(
    from: &'a BTreeMap<String, Extension>,
    to: &'a BTreeMap<String, Extension>,
) -> impl Iterator<Item = (&'a String, &'a str)> {
    to.iter().filter_map(|(name, after)| {
        let (old, new) = (&from.get(name)?.schema, after.schema.as_ref()?);
        (old.as_ref() != Some(new)).then_some((name, new.as_str()))
    })
}

/// Whether PostgreSQL is known not to move an extension.
pub(crate) fn is_fixed(name: &str) -> bool {
    FIXED.contains(&name)
}

/// Types of extensions in wide use, by the extension that brings them.
const TYPES: [(&str, &str); 10] = [
    ("citext", "citext"),
    ("cube", "cube"),
    ("geography", "postgis"),
    ("geometry", "postgis"),
    ("halfvec", "vector"),
    ("hstore", "hstore"),
    ("ltree", "ltree"),
    ("seg", "seg"),
    ("sparsevec", "vector"),
    ("vector", "vector"),
];

/// Operator classes of extensions in wide use, by the extension that brings them.
const CLASSES: [(&str, &[&str]); 10] = [
    ("citext", &["citext_ops", "citext_pattern_ops"]),
    ("cube", &["cube_ops", "gist_cube_ops"]),
    (
        "hstore",
        &[
            "btree_hstore_ops",
            "gin_hstore_ops",
            "gist_hstore_ops",
            "hash_hstore_ops",
        ],
    ),
    (
        "intarray",
        &["gin__int_ops", "gist__int_ops", "gist__intbig_ops"],
    ),
    ("ltree", &["gist__ltree_ops", "gist_ltree_ops", "ltree_ops"]),
    ("pg_trgm", &["gin_trgm_ops", "gist_trgm_ops"]),
    (
        "postgis",
        &[
            "brin_geography_inclusion_ops",
            "brin_geometry_inclusion_ops_2d",
            "brin_geometry_inclusion_ops_3d",
            "brin_geometry_inclusion_ops_4d",
            "gist_geography_ops",
            "gist_geometry_ops_2d",
            "gist_geometry_ops_nd",
            "spgist_geography_ops_nd",
            "spgist_geometry_ops_2d",
            "spgist_geometry_ops_3d",
            "spgist_geometry_ops_nd",
        ],
    ),
    ("seg", &["gist_seg_ops", "seg_ops"]),
    (
        "vector",
        &[
            "bit_hamming_ops",
            "bit_jaccard_ops",
            "halfvec_cosine_ops",
            "halfvec_ip_ops",
            "halfvec_l1_ops",
            "halfvec_l2_ops",
            "halfvec_ops",
            "sparsevec_cosine_ops",
            "sparsevec_ip_ops",
            "sparsevec_l1_ops",
            "sparsevec_l2_ops",
            "sparsevec_ops",
            "vector_cosine_ops",
            "vector_ip_ops",
            "vector_l1_ops",
            "vector_l2_ops",
            "vector_ops",
        ],
    ),
    // It brings one for GiST over each of many types of PostgreSQL's own.
    (
        "btree_gist",
        &[
            "gist_bit_ops",
            "gist_bool_ops",
            "gist_bpchar_ops",
            "gist_bytea_ops",
            "gist_cash_ops",
            "gist_cidr_ops",
            "gist_date_ops",
            "gist_enum_ops",
            "gist_float4_ops",
            "gist_float8_ops",
            "gist_inet_ops",
            "gist_int2_ops",
            "gist_int4_ops",
            "gist_int8_ops",
            "gist_interval_ops",
            "gist_macad8_ops",
            "gist_macad_ops",
            "gist_numeric_ops",
            "gist_oid_ops",
            "gist_text_ops",
            "gist_time_ops",
            "gist_timestamp_ops",
            "gist_timestamptz_ops",
            "gist_timetz_ops",
            "gist_uuid_ops",
            "gist_vbit_ops",
        ],
    ),
];

/// The extension that brings a type, given by its bare name without parameters.
pub(crate) fn of_type(name: &str) -> Option<&'static str> {
    let known = TYPES.iter().find(|(ty, _)| *ty == name);
    known.map(|(_, extension)| *extension)
}

/// The extension that brings an operator class, given by its bare name without parameters.
pub(crate) fn of_class(name: &str) -> Option<&'static str> {
    let known = CLASSES.iter().find(|(_, classes)| classes.contains(&name));
    known.map(|(extension, _)| *extension)
}

/// The PostgreSQL schemas that extensions are installed in, where one is named.
pub(crate) fn homes(extensions: &BTreeMap<String, Extension>) -> impl Iterator<Item = &str> {
    extensions
        .values()
        .filter_map(|extension| extension.schema.as_deref())
}
