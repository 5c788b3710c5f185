//! `#[derive(TextEnum)]`.

use syn::{Data, DeriveInput, Fields, LitStr, Variant};

use crate::Report;
use crate::ast::{At, TextEnum};
use crate::attr::{self, misplaced};
use crate::predicate::plain;
use crate::table::snake_case;

/// Reads an enum that derives `TextEnum`. What comes back beside a report that is not empty is
/// incomplete: good for an impl that keeps rustc from reporting the same mistake again.
pub fn text_enum(input: &DeriveInput, report: &mut Report) -> Option<TextEnum> {
    let ident = &input.ident;
    let given = match &input.data {
        Data::Enum(data) => Some(&data.variants),
        _ => {
            report.at(
                ident.span(),
                format!("`{ident}` is not an enum; derive `TextEnum` on an enum"),
            );
            None
        }
    };
    if !input.generics.params.is_empty() {
        report.over(
            &input.generics,
            format!("enum `{ident}` is generic, and a text enumeration is one type; remove the parameters"),
        );
    }
    if given.is_some_and(|variants| variants.is_empty()) {
        report.at(
            ident.span(),
            format!("enum `{ident}` has no variants, so no text would be valid; add one"),
        );
    }
    misplaced(&input.attrs, "text", "a variant", report);
    let mut variants: Vec<(_, At<String>)> = Vec::new();
    for variant in given.into_iter().flatten() {
        let name = plain(&variant.ident);
        if !matches!(variant.fields, Fields::Unit) {
            report.over(
                &variant.fields,
                format!("variant `{name}` holds values, and a text cannot; remove them"),
            );
        }
        let text = text(variant, report);
        if text.value.is_empty() || text.value.contains('\0') {
            report.at(
                text.span,
                format!("the text of variant `{name}` is empty or holds a NUL character; give it another"),
            );
        }
        if variants.iter().any(|(_, other)| other.value == text.value) {
            report.at(
                text.span,
                format!(
                    "enum `{ident}` has two variants with the text `{}`; give one another with `#[text(\"...\")]`",
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

/// The text that stands for a variant.
fn text(variant: &Variant, report: &mut Report) -> At<String> {
    let of_name = At::new(snake_case(&variant.ident), variant.ident.span());
    let mut attributes = variant
        .attrs
        .iter()
        .filter(|attribute| attr::is(attribute, "text"));
    let Some(attribute) = attributes.next() else {
        return of_name;
    };
    if let Some(second) = attributes.next() {
        report.at(
            attr::name_span(second),
            format!(
                "variant `{}` has two texts; keep one",
                plain(&variant.ident)
            ),
        );
    }
    match attribute.parse_args::<LitStr>() {
        Ok(literal) => At::new(literal.value(), literal.span()),
        Err(_) => {
            report.at(
                attr::name_span(attribute),
                "`#[text]` takes the variant's text; write `#[text(\"...\")]`",
            );
            of_name
        }
    }
}
