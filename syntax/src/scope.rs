//! `#[derive(Scope)]`.

use syn::{Attribute, Data, DataStruct, DeriveInput, Fields, Meta};
use tabellion_sql::schema::Type;

use crate::ast::{At, PathRef, RustType, Scope, Setting, TypeRef};
use crate::attr::{self, Args, misplaced};
use crate::predicate::plain;
use crate::{Report, check, rust_type};

/// Reads a struct that derives `Scope`. What comes back beside a report that is not empty is
/// incomplete: good for an impl that keeps rustc from reporting the same mistake again.
pub fn scope(input: &DeriveInput, report: &mut Report) -> Option<Scope> {
    let ident = &input.ident;
    let fields = match &input.data {
        Data::Struct(DataStruct {
            fields: Fields::Named(fields),
            ..
        }) => Some(fields),
        Data::Struct(_) => {
            report.at(
                ident.span(),
                format!("scope `{ident}` has no named fields; give each setting a field"),
            );
            None
        }
        _ => {
            report.at(
                ident.span(),
                format!("`{ident}` is not a struct; derive `Scope` on a struct"),
            );
            None
        }
    };
    if !input.generics.params.is_empty() {
        report.over(
            &input.generics,
            format!("scope `{ident}` is generic, and a scope is one type; remove the parameters"),
        );
    }
    misplaced(&input.attrs, "setting", "a field", report);
    misplaced(&input.attrs, "claim", "a field", report);
    let (role, create) = role(input, report);
    let mut settings: Vec<Setting> = Vec::new();
    for field in fields.iter().flat_map(|fields| &fields.named) {
        misplaced(&field.attrs, "scope", "the struct", report);
        let Some(setting) = setting(field, report) else {
            continue;
        };
        clash(ident, &settings, &setting, report);
        settings.push(setting);
    }
    if fields.is_some_and(|fields| fields.named.is_empty()) {
        report.at(
            ident.span(),
            format!("scope `{ident}` says nothing about who asks; add a field with `#[setting(\"app.name\")]`"),
        );
    }
    Some(Scope {
        ident: ident.clone(),
        role: role.unwrap_or_else(|| At::new(String::new(), ident.span())),
        create,
        settings,
    })
}

fn role(input: &DeriveInput, report: &mut Report) -> (Option<At<String>>, Option<bool>) {
    let (mut role, mut create) = (None, None);
    let mut tried = false;
    for attribute in input
        .attrs
        .iter()
        .filter(|attribute| attr::is(attribute, "scope"))
    {
        if tried {
            report.at(
                attr::name_span(attribute),
                "`#[scope]` is given twice; put everything into one",
            );
            continue;
        }
        tried = true;
        let Some(args) = Args::of(attribute, report) else {
            continue;
        };
        args.unique_keys(report);
        for arg in &args.rest {
            match arg.key.to_string().as_str() {
                "role" => {
                    role = arg.string(report);
                    if let Some(role) = &role {
                        role_name(role, report);
                    }
                }
                word @ ("create" | "external") => {
                    arg.flag(report);
                    if create.is_some() {
                        report.at(arg.key.span(), "a role is `create` or `external`; keep one");
                    }
                    create = Some(word == "create");
                }
                _ => arg.unknown(
                    "scope",
                    "the options are `role`, `create` and `external`",
                    report,
                ),
            }
        }
        if role.is_none() && !args.rest.iter().any(|arg| arg.key == "role") {
            tried = false;
        }
    }
    if !tried {
        report.at(
            input.ident.span(),
            format!(
                "scope `{}` has no role; add `#[scope(role = \"...\")]`",
                input.ident
            ),
        );
    }
    (role, create)
}

/// Names that PostgreSQL reserves: https://www.postgresql.org/docs/15/sql-createrole.html
fn role_name(role: &At<String>, report: &mut Report) {
    check::name("role", role, report);
    let name = role.value.as_str();
    let reserved = [
        "public",
        "none",
        "current_role",
        "current_user",
        "session_user",
    ];
    if name.starts_with("pg_") || reserved.contains(&name) {
        report.at(
            role.span,
            format!("role `{name}` is reserved; name one of your own"),
        );
    }
}

/// Two fields for one place in the server.
fn clash(scope: &syn::Ident, before: &[Setting], setting: &Setting, report: &mut Report) {
    let name = &setting.name;
    // PostgreSQL does not tell settings apart by case.
    let same = |other: &&Setting| other.name.value.eq_ignore_ascii_case(&name.value);
    if before.iter().any(|other| same(&other)) {
        let what = match &setting.claim {
            Some(claim) => format!("claims named `{}`", claim.join(".")),
            None => format!("settings named `{}`", name.value),
        };
        report.at(
            name.span,
            format!("scope `{scope}` has two {what}; rename one"),
        );
        return;
    }
    let Some(claim) = &setting.claim else { return };
    for other in before.iter().filter_map(|other| other.claim.as_ref()) {
        let (outer, inner) = match claim.len() < other.len() {
            true => (claim, other),
            false => (other, claim),
        };
        if inner.starts_with(outer) {
            report.at(
                name.span,
                format!(
                    "claim `{}` cannot be a value and hold claim `{}` too; keep one",
                    outer.join("."),
                    inner.join(".")
                ),
            );
        }
    }
}

/// What names the place of a scope's field.
const PLACES: [&str; 2] = ["setting", "claim"];

fn setting(field: &syn::Field, report: &mut Report) -> Option<Setting> {
    let ident = field.ident.clone()?;
    let name = plain(&ident);
    let place = |attribute: &&Attribute| PLACES.iter().any(|place| attr::is(attribute, place));
    let mut attributes = field.attrs.iter().filter(place);
    let Some(attribute) = attributes.next() else {
        report.at(
            ident.span(),
            format!("field `{name}` of the scope has no setting; add `#[setting(\"app.{name}\")]`"),
        );
        return None;
    };
    if let Some(second) = attributes.next() {
        report.at(
            attr::name_span(second),
            format!("field `{name}` has two settings; keep one"),
        );
    }
    let is_claim = attr::is(attribute, "claim");
    let (word, example) = match is_claim {
        true => ("claim", format!("`#[claim(\"{name}\")]`")),
        false => ("setting", format!("`#[setting(\"app.{name}\")]`")),
    };
    if let Meta::Path(_) = attribute.meta {
        report.at(
            attr::name_span(attribute),
            format!("`#[{word}]` needs a name; write {example}"),
        );
        return None;
    }
    let args = Args::of(attribute, report)?;
    if let Some(arg) = args.rest.first() {
        report.at(
            arg.key.span(),
            format!("`#[{word}]` takes the {word}'s name alone; write {example}"),
        );
        return None;
    }
    let Some(text) = args.leading else {
        report.at(
            attr::name_span(attribute),
            format!("`#[{word}]` needs a name; write {example}"),
        );
        return None;
    };
    let text = At::new(text.value(), text.span());
    let (name, claim) = match is_claim {
        true => claim(text, report)?,
        false => {
            custom(&text, &name, report);
            (text, None)
        }
    };
    let SettingType {
        ty,
        text_enum,
        nullable,
    } = setting_type(&ident, field, report)?;
    Some(Setting {
        ident,
        name,
        claim,
        ty,
        text_enum,
        nullable,
        rust_type: RustType(field.ty.clone()),
    })
}

fn custom(text: &At<String>, field: &str, report: &mut Report) {
    if !is_custom_setting(&text.value) {
        report.at(
            text.span,
            format!(
                "`{}` is not the name of a custom setting; write two words with a dot between, such as `app.{field}`",
                text.value
            ),
        );
    } else if text.value.starts_with("plpgsql.") {
        // `MarkGUCPrefixReserved`; in every database its functions may run.
        report.at(
            text.span,
            format!(
                "`{}` has a prefix that PL/pgSQL reserves as soon as a session runs it, and PostgreSQL then refuses to \
                 set it; write another one, such as `app.{field}`",
                text.value
            ),
        );
    }
}

/// The setting that holds a claim alone, and the words that lead to it in the claims.
fn claim(text: At<String>, report: &mut Report) -> Option<(At<String>, Option<Vec<String>>)> {
    let words: Vec<String> = text.value.split('.').map(str::to_owned).collect();
    let is_word = |word: &String| {
        let mut chars = word.chars();
        chars
            .next()
            .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
            && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    if !words.iter().all(is_word) || text.value.len() > tabellion_sql::ident::MAX_BYTES {
        report.at(
            text.span,
            format!(
                "`{}` is not the name of a claim; write words with dots between, such as `app_metadata.org_id`",
                text.value
            ),
        );
        return None;
    }
    if words[0] == "role" {
        report.at(
            text.span,
            "claim `role` is the scope's role, and set with it; name that in `#[scope(role = \"...\")]`",
        );
        return None;
    }
    let name = format!("request.jwt.claim.{}", text.value);
    Some((At::new(name, text.span), Some(words)))
}

/// What a field's text is read as, and whether it may be absent.
struct SettingType {
    ty: Type,
    text_enum: Option<PathRef>,
    nullable: bool,
}

fn setting_type(
    ident: &syn::Ident,
    field: &syn::Field,
    report: &mut Report,
) -> Option<SettingType> {
    let read = rust_type::field_type(ident, &field.ty, None);
    if let Ok(read) = &read {
        let of = |ty: Type, text_enum| SettingType {
            ty,
            text_enum,
            nullable: read.nullable,
        };
        match &read.ty {
            TypeRef::Known(
                ty @ (Type::Text
                | Type::Uuid
                | Type::Int2
                | Type::Int4
                | Type::Int8
                | Type::Bool
                | Type::Date),
            ) => return Some(of(ty.clone(), None)),
            // Its text is what the column holds.
            TypeRef::Enum(path) => return Some(of(Type::Text, Some(path.clone()))),
            _ => {}
        }
    }
    report.over(
        &field.ty,
        format!(
            "field `{}` of the scope is `{}`, which is not a setting's type; \
             use `String`, `Uuid`, an integer, `bool`, `Date` or a `TextEnum`",
            plain(ident),
            rust_type::display(&field.ty)
        ),
    );
    None
}

/// A custom setting has two or more parts, each like an unquoted identifier.
/// Source: https://www.postgresql.org/docs/15/runtime-config-custom.html
fn is_custom_setting(name: &str) -> bool {
    let part = |part: &str| {
        let mut chars = part.chars();
        chars
            .next()
            .is_some_and(|c| c.is_ascii_lowercase() || c == '_')
            && chars.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    name.contains('.') && name.split('.').all(part) && name.len() <= tabellion_sql::ident::MAX_BYTES
}
