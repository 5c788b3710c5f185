//! `migrations!()`: the sealed files inside the program, checked while compiling.

use std::env;
use std::fs;
use std::io;
use std::path::Path;

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::LitStr;
use syn::parse::{Parse, ParseStream};
use tabellion_sql::lock::{DOWN, LOCK, Lock, UP};

/// The root where none is named.
const USUAL: &str = "db";

/// What stands in the parentheses: the root, or nothing.
pub(crate) struct Input {
    root: Option<LitStr>,
}

impl Parse for Input {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let root = if input.is_empty() {
            None
        } else {
            Some(input.parse()?)
        };
        if !input.is_empty() {
            return Err(
                input.error("expected nothing but the folder, such as `migrations!(\"db\")`")
            );
        }
        Ok(Input { root })
    }
}

/// An expression of type `Migrations`, or the mistakes.
pub(crate) fn expand(input: &Input) -> TokenStream {
    let package = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default();
    match embed(input, Path::new(&package)) {
        Ok(tokens) => tokens,
        Err(problems) => {
            let span = input
                .root
                .as_ref()
                .map_or_else(Span::call_site, LitStr::span);
            let errors = problems
                .iter()
                .map(|problem| syn::Error::new(span, problem).to_compile_error());
            quote!({ #(#errors)* ::core::unreachable!() })
        }
    }
}

fn embed(input: &Input, package: &Path) -> Result<TokenStream, Vec<String>> {
    let shown = input
        .root
        .as_ref()
        .map_or_else(|| USUAL.to_owned(), LitStr::value);
    if Path::new(&shown).is_absolute() {
        return Err(vec![format!(
            "`{shown}` is an absolute path, which no other machine has; write it relative to the package"
        )]);
    }
    let root = package.join(&shown);
    let read = |path: &str| match fs::read_to_string(root.join(path)) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("`{shown}/{path}` cannot be read: {error}")),
    };
    let text = read(LOCK).map_err(|problem| vec![problem])?.ok_or_else(|| {
        vec![format!(
            "`{shown}/{LOCK}` does not exist; seal a first migration with `cargo tabellion seal NAME`, or name \
             the right folder"
        )]
    })?;
    let lock = Lock::parse(&text)
        .map_err(|error| vec![format!("`{shown}/{LOCK}` cannot be used: {error}")])?;
    let found = lock.files(&shown, read, |_| Ok(Vec::new()));
    if !found.problems.is_empty() {
        return Err(found.problems);
    }
    // Cargo watches what `include_str!` reads, and the lock changes with every seal.
    let include = |path: &str| {
        let below = format!("/{shown}/{path}");
        quote!(::core::include_str!(
            ::core::concat!(::core::env!("CARGO_MANIFEST_DIR"), #below)
        ))
    };
    let text = include(LOCK);
    let pairs = lock.migrations.iter().map(|(version, sealed)| {
        let (name, link) = (&sealed.name, sealed.checksum(version));
        let [up, down] = [(UP, &sealed.up), (DOWN, &sealed.down)].map(|(folder, file)| {
            let path = format!("{folder}/{}", sealed.file_name(version));
            let (checksum, text) = (&file.sha256, include(&path));
            quote!([#path, #checksum, #text])
        });
        quote!(::tabellion::__private::Embedded {
            version: #version,
            name: #name,
            link: #link,
            up: #up,
            down: #down,
        })
    });
    Ok(quote!(::tabellion::__private::migrations(#text, &[#(#pairs),*])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(root: &str, package: &Path) -> Vec<String> {
        let root = Some(LitStr::new(root, Span::call_site()));
        embed(&Input { root }, package).expect_err("a mistake")
    }

    #[test]
    fn what_cannot_be_embedded_is_told() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert!(
            said("nowhere", here)[0].starts_with("`nowhere/tabellion.lock` does not exist; seal")
        );
        assert!(said("/db", here)[0].contains("absolute"));
        assert!(syn::parse_str::<Input>("\"db\", 1").is_err());
        assert!(syn::parse_str::<Input>("").is_ok_and(|input| input.root.is_none()));
    }
}
