//! Which calls have one value in the same words of two predicates.
//!
//! A function of one's own may be volatile, as `random()` is: two calls of it are two values. So only functions that
//! PostgreSQL and Supabase are known to bring as immutable or stable count as the same
//! (<https://www.postgresql.org/docs/15/xfunc-volatility.html>).

use super::tokens::{is_one_of, is_word, name};

/// Words behind which an opening bracket calls nothing.
const KEY_WORDS: [&str; 44] = [
    "all",
    "and",
    "any",
    "array",
    "as",
    "between",
    "by",
    "case",
    "cast",
    "distinct",
    "else",
    "except",
    "exists",
    "filter",
    "from",
    "group",
    "having",
    "ilike",
    "in",
    "intersect",
    "is",
    "join",
    "lateral",
    "like",
    "limit",
    "materialized",
    "not",
    "nullif",
    "offset",
    "on",
    "or",
    "over",
    "row",
    "select",
    "similar",
    "some",
    "then",
    "to",
    "union",
    "using",
    "values",
    "when",
    "where",
    "with",
];

/// Functions of PostgreSQL.
const OF_POSTGRESQL: [&str; 105] = [
    "abs",
    "age",
    "array_agg",
    "array_append",
    "array_length",
    "array_position",
    "array_remove",
    "array_to_string",
    "ascii",
    "avg",
    "bit_length",
    "bool_and",
    "bool_or",
    "btrim",
    "cardinality",
    "ceil",
    "ceiling",
    "char_length",
    "character_length",
    "chr",
    "coalesce",
    "concat",
    "concat_ws",
    "count",
    "current_schema",
    "current_schemas",
    "current_setting",
    "date_part",
    "date_trunc",
    "decode",
    "div",
    "encode",
    "every",
    "extract",
    "floor",
    "generate_series",
    "greatest",
    "has_schema_privilege",
    "has_table_privilege",
    "inet_client_addr",
    "initcap",
    "isfinite",
    "json_array_elements",
    "json_array_elements_text",
    "json_array_length",
    "json_extract_path",
    "json_extract_path_text",
    "json_object_keys",
    "json_typeof",
    "jsonb_array_elements",
    "jsonb_array_elements_text",
    "jsonb_array_length",
    "jsonb_exists",
    "jsonb_extract_path",
    "jsonb_extract_path_text",
    "jsonb_object_keys",
    "jsonb_path_exists",
    "jsonb_typeof",
    "least",
    "left",
    "length",
    "lower",
    "lpad",
    "ltrim",
    "make_date",
    "make_interval",
    "make_timestamptz",
    "max",
    "md5",
    "min",
    "mod",
    "now",
    "num_nonnulls",
    "num_nulls",
    "octet_length",
    "overlay",
    "pg_has_role",
    "position",
    "power",
    "regexp_match",
    "regexp_replace",
    "regexp_split_to_array",
    "repeat",
    "replace",
    "reverse",
    "right",
    "round",
    "rpad",
    "rtrim",
    "sign",
    "split_part",
    "sqrt",
    "starts_with",
    "statement_timestamp",
    "string_to_array",
    "strpos",
    "substr",
    "substring",
    "sum",
    "to_char",
    "to_date",
    "to_jsonb",
    "transaction_timestamp",
    "trim",
    "upper",
];

/// Functions of Supabase, by their schemas.
pub(super) const OF_SUPABASE: [(&str, &[&str]); 2] = [
    ("auth", &["email", "jwt", "role", "uid"]),
    ("storage", &["extension", "filename", "foldername"]),
];

/// Whether a text has one value wherever it stands, as far as the functions decide it that it calls.
pub(super) fn are_stable(tokens: &[&str]) -> bool {
    unstable(tokens).is_none()
}

/// The first function that a text calls and that may be volatile.
pub(super) fn unstable(tokens: &[&str]) -> Option<String> {
    let mut opening = (1..tokens.len()).filter(|at| tokens[*at] == "(" && is_word(tokens[at - 1]));
    let at = opening.find(|at| !is_stable(&tokens[..*at]))?;
    let mut start = at - 1;
    while start >= 2 && tokens[start - 1] == "." && is_word(tokens[start - 2]) {
        start -= 2;
    }
    Some(tokens[start..at].concat())
}

/// Of tokens that end where an opening bracket follows whether they call nothing, or something stable.
fn is_stable(tokens: &[&str]) -> bool {
    let is_of_postgresql = |name: &str| OF_POSTGRESQL.contains(&name);
    let [before @ .., last] = tokens else {
        return true;
    };
    let Some(called) = name(last) else {
        return false;
    };
    match before {
        [.., ".", _, "."] => false,
        [.., schema, "."] => {
            let schema = name(schema).unwrap_or_default();
            let mut of_supabase = OF_SUPABASE.iter();
            schema == "pg_catalog" && is_of_postgresql(&called)
                || of_supabase.any(|(of, names)| *of == schema && names.contains(&&*called))
        }
        // A type with its length.
        [.., "::"] => true,
        // The columns of what is named, or a type in a cast.
        [.., word] if is_one_of(word, &["as"]) => true,
        _ => is_one_of(last, &KEY_WORDS) || is_of_postgresql(&called),
    }
}
