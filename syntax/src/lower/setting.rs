//! A field of the scope as SQL.
//!
//! A setting's text is anything that somebody has set: unset it is NULL, on a connection that carried a
//! scope before it is `''`, and `set app.tenant = 'abc'` is anybody's. A cast of that would raise an error
//! that quotes it; so a text becomes a value only where it has the form of one, else it is NULL, and NULL
//! denies. Each form stands around `(select current_setting(…))`, which evaluates once a statement, and is
//! free of columns, so that an index serves the comparison with it.
//!
//! PostgreSQL's regular expressions: <https://www.postgresql.org/docs/15/functions-matching.html>.

use tabellion_sql::ident::quote_literal;
use tabellion_sql::schema::{Platform, Type};

use crate::ast::Setting;

const UUID: &str = "^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$";
const BOOL: &str = "^(?:true|false)$";

/// As many digits as an `int4` has, which an `int8` always holds.
const INT4: &str = "^-?[0-9]{1,10}$";

/// What an `int8` holds, 18 digits and, one digit of its greatest after the other, 19.
const INT8: &str = "^(?:-?(?:[0-9]{1,18}|[0-8][0-9]{18}|9[01][0-9]{17}|92[01][0-9]{16}|922[0-2][0-9]{15}\
|9223[0-2][0-9]{14}|92233[0-6][0-9]{13}|922337[01][0-9]{12}|92233720[0-2][0-9]{10}|922337203[0-5][0-9]{9}\
|9223372036[0-7][0-9]{8}|92233720368[0-4][0-9]{7}|922337203685[0-3][0-9]{6}|9223372036854[0-6][0-9]{5}\
|92233720368547[0-6][0-9]{4}|922337203685477[0-4][0-9]{3}|9223372036854775[0-7][0-9]{2}\
|922337203685477580[0-7])|-9223372036854775808)$";

/// A day that exists, of the years 1 to 9999.
const DATE: &str = "^(?!0000)(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])\
|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))\
|(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)$";

/// The text of the setting: NULL, `''`, or what was set.
///
/// On Supabase the platform sets the claims, as one JSON text, and its function reads them; a text is what is a
/// string there, since `[1]` and `true` have a text too. Elsewhere nobody does but a scope, which sets each claim by
/// itself too: then no policy has to read JSON, which raises an error where it is malformed and cannot be tried
/// before PostgreSQL 16.
pub(super) fn text(setting: &Setting, platform: Platform) -> String {
    match of_claims(setting, platform) {
        Some([json, text]) => {
            format!("case when jsonb_typeof({json}) = 'string' then {text} end")
        }
        None => plain(setting),
    }
}

/// What a claim is in the claims of the platform, as JSON and as its text.
fn of_claims(setting: &Setting, platform: Platform) -> Option<[String; 2]> {
    let claim = setting.claim.as_ref()?;
    let (last, path) = claim.split_last()?;
    if platform != Platform::Supabase {
        return None;
    }
    let path = path.iter();
    let path: String = path
        .map(|word| format!(" -> {}", quote_literal(word)))
        .collect();
    let last = quote_literal(last);
    Some(["->", "->>"].map(|get| format!("((select auth.jwt()){path} {get} {last})")))
}

fn plain(setting: &Setting) -> String {
    let name = quote_literal(&setting.name.value);
    format!("(select current_setting({name}, true))")
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
    let form = match &setting.ty {
        Type::Uuid => Some((UUID, "uuid")),
        Type::Bool => Some((BOOL, "boolean")),
        Type::Date => Some((DATE, "date")),
        // The operators between integers of two widths are leakproof, and in the index's own family.
        Type::Int2 | Type::Int4 => Some((INT4, "bigint")),
        Type::Int8 => Some((INT8, "bigint")),
        _ => None,
    };
    if let Some((form, ty)) = form {
        let text = match of_claims(setting, platform) {
            // A number in JSON is a number too.
            Some([_, text]) => text,
            None => plain(setting),
        };
        return format!("{}::{ty}", matching(&text, form));
    }
    let text = text(setting, platform);
    match texts {
        Some(texts) => matching(&text, &one_of(&texts)),
        None => format!("nullif({text}, '')"),
    }
}

fn matching(text: &str, form: &str) -> String {
    format!("substring({text} from {})", quote_literal(form))
}

/// The form of some texts, each as it is.
fn one_of(texts: &[&str]) -> String {
    let texts = texts.iter().map(|text| {
        let mut form = String::with_capacity(text.len());
        for c in text.chars() {
            if c.is_ascii_punctuation() && c != '_' {
                form.push('\\');
            }
            form.push(c);
        }
        form
    });
    let texts: Vec<String> = texts.collect();
    format!("^(?:{})$", texts.join("|"))
}
