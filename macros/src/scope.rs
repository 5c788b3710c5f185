//! `#[derive(Scope)]`

use proc_macro2::TokenStream;
use quote::quote;
use syn::DeriveInput;
use tabellion_syntax::{Report, fingerprint};

use crate::table::errors;

pub(crate) fn expand(input: &DeriveInput) -> TokenStream {
    let mut report = Report::default();
    let scope = tabellion_syntax::scope(input, &mut report);
    let errors = errors(report);
    let Some(scope) = scope else {
        return errors;
    };
    let ident = &scope.ident;
    let (generics, arguments, bounds) = input.generics.split_for_impl();
    let role = &scope.role.value;
    let settings = scope.settings.iter().map(|setting| &setting.name.value);
    let fields = scope.settings.iter().map(|setting| &setting.ident);
    let fingerprint = fingerprint(&scope);
    quote! {
        #errors
        impl #generics ::tabellion::Scope for #ident #arguments #bounds {
            const ROLE: &'static str = #role;
            const SETTINGS: &'static [&'static str] = &[#(#settings),*];
            const FINGERPRINT: ::core::primitive::u64 = #fingerprint;
            fn values(&self) -> ::std::vec::Vec<::std::string::String> {
                ::std::vec![#(::tabellion::scope::Setting::text(&self.#fields)),*]
            }
        }
    }
}
