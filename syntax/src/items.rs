//! `#[derive(Scope)]` and `#[derive(TextEnum)]`.

use syn::{Data, DeriveInput, Fields};
use tabellion_sql::schema::Type;

use crate::ast::{At, RustType, Scope, Setting, TextEnum, TypeRef};
use crate::attr::{self, Args};
use crate::table::snake_case;
use crate::{Report, check, rust_type};

/// Reads a struct that derives `Scope`.
pub fn scope(input: &DeriveInput, report: &mut Report) -> Option<Scope> {
    let ident = &input.ident;
    let fields = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => fields,
            _ => {
                report.at(
                    ident.span(),
                    format!("scope `{ident}` has no named fields; give each setting a field"),
                );
                return None;
            }
        },
        _ => {
            report.at(
                ident.span(),
                format!("`{ident}` is not a struct; derive `Scope` on a struct"),
            );
            return None;
        }
    };
    if !input.generics.params.is_empty() {
        report.over(
            &input.generics,
            format!("scope `{ident}` is generic, and a scope is one type; remove the parameters"),
        );
    }
    let (role, create) = role(input, report);
    let mut settings: Vec<Setting> = Vec::new();
    for field in &fields.named {
        let Some(setting) = setting(field, report) else {
            continue;
        };
        if settings
            .iter()
            .any(|other| other.name.value == setting.name.value)
        {
            report.at(
                setting.name.span,
                format!(
                    "scope `{ident}` has two settings named `{}`; rename one",
                    setting.name.value
                ),
            );
        }
        settings.push(setting);
    }
    if fields.named.is_empty() {
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
                _ => arg.unknown("scope", "`role`, `create` and `external`", report),
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

fn setting(field: &syn::Field, report: &mut Report) -> Option<Setting> {
    let ident = field.ident.clone()?;
    let mut attributes = field
        .attrs
        .iter()
        .filter(|attribute| attr::is(attribute, "setting"));
    let Some(attribute) = attributes.next() else {
        report.at(
            ident.span(),
            format!(
                "field `{ident}` of the scope has no setting; add `#[setting(\"app.{ident}\")]`"
            ),
        );
        return None;
    };
    if let Some(second) = attributes.next() {
        report.at(
            attr::name_span(second),
            format!("field `{ident}` has two settings; keep one"),
        );
    }
    let args = Args::of(attribute, report)?;
    if let Some(arg) = args.rest.first() {
        report.at(
            arg.key.span(),
            "`#[setting]` takes the setting's name alone; write `#[setting(\"app.name\")]`",
        );
        return None;
    }
    let Some(name) = args.leading else {
        report.at(
            attr::name_span(attribute),
            format!("`#[setting]` needs a name; write `#[setting(\"app.{ident}\")]`"),
        );
        return None;
    };
    let name = At::new(name.value(), name.span());
    if !is_custom_setting(&name.value) {
        report.at(
            name.span,
            format!(
                "`{}` is not the name of a custom setting; write two words with a dot between, such as `app.{ident}`",
                name.value
            ),
        );
    }
    let read = rust_type::field_type(&ident, &field.ty, None)
        .map_err(|error| report.push(error))
        .ok()?;
    let ty = match read.ty {
        _ if read.nullable => {
            report.over(
                &field.ty,
                format!("field `{ident}` of the scope is an `Option`, and an empty scope is refused; remove the `Option`"),
            );
            return None;
        }
        TypeRef::Known(ty @ (Type::Text | Type::Uuid | Type::Int2 | Type::Int4 | Type::Int8)) => ty,
        // Its text is what the column holds.
        TypeRef::Enum(_) => Type::Text,
        _ => {
            report.over(
                &field.ty,
                format!(
                    "field `{ident}` of the scope is `{}`, which is not a setting's type; \
                     use `String`, `Uuid`, an integer or a `TextEnum`",
                    rust_type::display(&field.ty)
                ),
            );
            return None;
        }
    };
    Some(Setting {
        ident,
        name,
        ty,
        rust_type: RustType(read.base),
    })
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

/// Reads an enum that derives `TextEnum`.
pub fn text_enum(input: &DeriveInput, report: &mut Report) -> Option<TextEnum> {
    let ident = &input.ident;
    let Data::Enum(data) = &input.data else {
        report.at(
            ident.span(),
            format!("`{ident}` is not an enum; derive `TextEnum` on an enum"),
        );
        return None;
    };
    if !input.generics.params.is_empty() {
        report.over(
            &input.generics,
            format!("enum `{ident}` is generic; remove the parameters"),
        );
    }
    if data.variants.is_empty() {
        report.at(
            ident.span(),
            format!("enum `{ident}` has no variants, so no text would be valid; add one"),
        );
    }
    let mut variants: Vec<(_, At<String>)> = Vec::new();
    for variant in &data.variants {
        if !matches!(variant.fields, Fields::Unit) {
            report.over(
                &variant.fields,
                format!(
                    "variant `{}` holds values, and a text cannot; remove them",
                    variant.ident
                ),
            );
        }
        let mut text = At::new(snake_case(&variant.ident), variant.ident.span());
        for attribute in variant
            .attrs
            .iter()
            .filter(|attribute| attr::is(attribute, "text"))
        {
            match attribute.parse_args::<syn::LitStr>() {
                Ok(literal) => text = At::new(literal.value(), literal.span()),
                Err(_) => report.at(
                    attr::name_span(attribute),
                    "`#[text]` takes the variant's text; write `#[text(\"...\")]`",
                ),
            }
        }
        if text.value.is_empty() || text.value.contains('\0') {
            report.at(
                text.span,
                format!(
                    "the text of variant `{}` is empty or holds a NUL; give it another",
                    variant.ident
                ),
            );
        }
        if variants.iter().any(|(_, other)| other.value == text.value) {
            report.at(
                text.span,
                format!(
                    "enum `{ident}` has two variants with the text `{}`; change one",
                    text.value
                ),
            );
        }
        variants.push((variant.ident.clone(), text));
    }
    Some(TextEnum {
        ident: ident.clone(),
        variants,
    })
}
