//! `#[derive(TextEnum)]`

use proc_macro2::TokenStream;
use quote::quote;
use syn::DeriveInput;
use tabellion_syntax::{Report, fingerprint};

use crate::{derived, errors, has_impls};

pub(crate) fn expand(input: &DeriveInput) -> TokenStream {
    let mut report = Report::default();
    let text_enum = tabellion_syntax::text_enum(input, &mut report);
    let is_right = report.is_empty();
    let errors = errors(report);
    let Some(text_enum) = text_enum.filter(|_| has_impls(input)) else {
        return errors;
    };
    let fingerprint = fingerprint(&text_enum);
    let mut text_enum = text_enum;
    derived(&mut text_enum.ident);
    for (variant, _) in &mut text_enum.variants {
        derived(variant);
    }
    let ident = &text_enum.ident;
    let texts: Vec<&String> = text_enum
        .variants
        .iter()
        .map(|(_, text)| &text.value)
        .collect();
    let variants: Vec<_> = text_enum
        .variants
        .iter()
        .map(|(variant, _)| variant)
        .collect();
    // Of a broken enum only the shape is needed, so that its tables do not fail as well.
    let (as_str, from_text) = if is_right {
        (
            quote!(match self { #(Self::#variants => #texts),* }),
            quote!(match text { #(#texts => ::core::option::Option::Some(Self::#variants),)* _ => ::core::option::Option::None }),
        )
    } else {
        (
            quote!(""),
            quote!({
                _ = text;
                ::core::option::Option::None
            }),
        )
    };
    quote! {
        #errors
        #[diagnostic::do_not_recommend]
        impl ::tabellion::TextEnum for #ident {
            const VARIANTS: &'static [&'static ::core::primitive::str] = &[#(#texts),*];
            const FINGERPRINT: ::core::primitive::u64 = #fingerprint;
            fn as_str(&self) -> &'static ::core::primitive::str { #as_str }
            fn from_text(text: &::core::primitive::str) -> ::core::option::Option<Self> { #from_text }
        }
        ::tabellion::text_enum_sql!(#ident);
    }
}
