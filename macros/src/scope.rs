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
    let names = scope
        .settings
        .iter()
        .map(|setting| setting.name.value.as_str());
    // By its type, so that an error stands there.
    let texts = scope.settings.iter().map(|setting| {
        let (field, ty) = (&setting.ident, &setting.rust_type.0);
        quote!(<#ty as ::tabellion::scope::Setting>::text(&self.#field))
    });
    let claims: Vec<_> = (scope.settings.iter())
        .filter_map(|setting| {
            let (field, ty) = (&setting.ident, &setting.rust_type.0);
            let path = setting.claim.as_ref()?;
            Some(quote! {
                (&[#(#path),*], <#ty as ::tabellion::scope::Setting>::claim(&self.#field))
            })
        })
        .collect();
    // All of them at once, as a platform sets them, beside each by itself.
    let all = (!claims.is_empty()).then_some("request.jwt.claims");
    let settings = names.chain(all);
    let all = all.map(|_| quote!(::tabellion::scope::claims(Self::ROLE, &[#(#claims),*])));
    let fields = texts.chain(all);
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
