//! `#[derive(Scope)]`

use proc_macro2::TokenStream;
use quote::quote;
use syn::DeriveInput;
use tabellion_syntax::{Report, fingerprint};

use crate::{derived, errors, has_impls};

pub(crate) fn expand(input: &DeriveInput) -> TokenStream {
    let mut report = Report::default();
    let scope = tabellion_syntax::scope(input, &mut report);
    let errors = errors(report);
    let Some(scope) = scope.filter(|_| has_impls(input)) else {
        return errors;
    };
    let fingerprint = fingerprint(&scope);
    let mut scope = scope;
    derived(&mut scope.ident);
    for setting in &mut scope.settings {
        derived(&mut setting.ident);
    }
    let ident = &scope.ident;
    let role = &scope.role.value;
    let settings = scope.settings.iter().map(|setting| &setting.name.value);
    let fields = scope.settings.iter().map(|setting| {
        let (field, ty) = (&setting.ident, &setting.rust_type.0);
        // By its type, so that an error stands there.
        quote!(<#ty as ::tabellion::scope::Setting>::text(&self.#field))
    });
    quote! {
        #errors
        #[diagnostic::do_not_recommend]
        impl ::tabellion::Scope for #ident {
            const ROLE: &'static ::core::primitive::str = #role;
            const SETTINGS: &'static [&'static ::core::primitive::str] = &[#(#settings),*];
            const FINGERPRINT: ::core::primitive::u64 = #fingerprint;
            fn values(
                &self,
            ) -> ::std::vec::Vec<::core::option::Option<::std::string::String>> {
                ::std::vec![#(#fields),*]
            }
        }
    }
}
