//! A field of the scope as SQL.
//!
//! A setting's text is anything that somebody has set: unset it is NULL, on a connection that carried a
//! scope before it is `''`, and `set app.tenant = 'abc'` is anybody's. A cast of that would raise an error
//! that quotes it; so a text becomes a value only where it has the form of one, else it is NULL, and NULL
//! denies. The whole of it is one subquery without columns of the table, which PostgreSQL evaluates once a
//! statement, and an index serves the comparison with it. The casts stand behind THEN, since only CASE promises
//! what is evaluated first (<https://www.postgresql.org/docs/15/sql-expressions.html#SYNTAX-EXPRESS-EVAL>).
//!
//! No form counts repetitions (`{8}`): PostgreSQL builds the states of a regular expression anew for each
//! text, one for each counted character, which took 5 to 17 µs a statement where what stands here takes 0.5 to 1.
//!
//! Every operator here has an exact match in pg_catalog, which comes first on any search path: casts of literals see to
//! that. Otherwise an exact match in a schema behind it would be taken.
//! Regular expressions: <https://www.postgresql.org/docs/15/functions-matching.html>.

use tabellion_sql::ident::quote_literal;
use tabellion_sql::schema::{Platform, Type};

use crate::ast::Setting;

/// Hexadecimal digits and hyphens, these at their four places and no fifth one.
const UUID: &str = "given like '________-____-____-____-____________' and given ~ '^[0-9a-fA-F-]+$' \
                    and given not like '%-%-%-%-%-%'";
const BOOL: &str = "given in ('true', 'false')";

/// As many digits as an `int8` always holds.
const SHORT: &str = "length(given) <= 11 and given ~ '^-?[0-9]+$'";
const INT2: &str =
    "case when given::bigint between '-32768'::bigint and '32767'::bigint then given::bigint end";
const INT4: &str = "case when given::bigint between '-2147483648'::bigint and '2147483647'::bigint then given::bigint end";

/// As many as an `int8` has, and its range, as `numeric` holds it.
const LONG: &str = "length(given) <= 20 and given ~ '^-?[0-9]+$'";
const INT8: &str = "case when given::numeric between '-9223372036854775808'::numeric and \
                    '9223372036854775807'::numeric then given::bigint end";

/// A day that exists, of the years 1 to 9999.
const DATE: &str = "^(?:\
(?:[1-9][0-9][0-9][0-9]|0[1-9][0-9][0-9]|00[1-9][0-9]|000[1-9])-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])\
|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))\
|(?:[0-9][0-9](?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)-02-29)$";

/// The text of the setting: NULL, `''`, or what was set.
///
/// On Supabase the platform sets the claims, as one JSON text, and its function reads them; a text is what is a
/// string there, since `[1]` and `true` have a text too. Elsewhere nobody does but a scope, which sets each claim by
/// itself too: then no policy has to read JSON, which raises an error where it is malformed and cannot be tried
/// before PostgreSQL 16.
pub(super) fn text(setting: &Setting, platform: Platform) -> String {
    match claim(setting, platform, "->") {
        Some(claim) => when("jsonb_typeof(given) = 'string'", TEXT, &claim),
        None => format!("({})", plain(setting)),
    }
}

/// A claim in the claims of the platform, as JSON or as its text. OFFSET keeps the planner from reading the claims
/// once for each time that `given` stands in what is around it.
fn claim(setting: &Setting, platform: Platform, last_step: &str) -> Option<String> {
    let claim = setting.claim.as_ref()?;
    let (last, path) = claim.split_last()?;
    if platform != Platform::Supabase {
        return None;
    }
    let path = path.iter();
    let path: String = path
        .map(|word| format!(" -> {}::text", quote_literal(word)))
        .collect();
    let last = format!("{}::text", quote_literal(last));
    Some(format!(
        "select (select auth.jwt()){path} {last_step} {last} as given offset 0"
    ))
}

fn plain(setting: &Setting) -> String {
    let name = quote_literal(&setting.name.value);
    format!("select current_setting({name}, true)")
}

/// Its value, and NULL where the text is empty or of no such value: of an enumeration none of these texts.
pub(super) fn value(setting: &Setting, platform: Platform, texts: Option<Vec<&str>>) -> String {
    let is_user = setting
        .claim
        .as_ref()
        .is_some_and(|claim| claim == &["sub"]);
    if is_user && setting.ty == Type::Uuid && platform == Platform::Supabase {
        return "(select auth.uid())".to_owned();
    }
    let is_day = format!("given ~ {}", quote_literal(DATE));
    let form = match &setting.ty {
        Type::Uuid => Some((UUID, "given::uuid")),
        Type::Bool => Some((BOOL, "given::boolean")),
        Type::Date => Some((is_day.as_str(), "given::date")),
        // The operators between integers of two widths are leakproof, and in the index's own family.
        Type::Int2 => Some((SHORT, INT2)),
        Type::Int4 => Some((SHORT, INT4)),
        Type::Int8 => Some((LONG, INT8)),
        _ => None,
    };
    let given = || format!("{} as given", plain(setting));
    if let Some((form, value)) = form {
        // A number in JSON is a number too.
        let given = claim(setting, platform, "->>").unwrap_or_else(given);
        return when(form, value, &given);
    }
    let Some(texts) = texts else {
        return format!("nullif({}, '')", text(setting, platform));
    };
    let texts: Vec<_> = texts.iter().map(|text| quote_literal(text)).collect();
    let texts = texts.join(", ");
    match claim(setting, platform, "->") {
        Some(claim) => when(
            &format!("jsonb_typeof(given) = 'string' and {TEXT} in ({texts})"),
            TEXT,
            &claim,
        ),
        None => when(&format!("given in ({texts})"), "given", &given()),
    }
}

/// The text of a JSON string.
const TEXT: &str = "given #>> '{}'::text[]";

/// What a query gives, as a value where it has a form, else NULL.
fn when(form: &str, value: &str, given: &str) -> String {
    format!("(select case when {form} then {value} end from ({given}) setting)")
}
