//! Collects mistakes, so that all of an item come out at once.

use proc_macro2::Span;
use quote::ToTokens;

/// The mistakes found so far. Ends in [`Report::finish`], which cannot be forgotten without a warning.
#[derive(Debug, Default)]
#[must_use = "mistakes must be reported"]
pub struct Report {
    errors: Vec<syn::Error>,
}

impl Report {
    /// A mistake at a place.
    pub fn at(&mut self, span: Span, message: impl std::fmt::Display) {
        self.errors.push(syn::Error::new(span, message));
    }

    /// A mistake over some tokens.
    pub fn over(&mut self, tokens: impl ToTokens, message: impl std::fmt::Display) {
        self.errors.push(syn::Error::new_spanned(tokens, message));
    }

    /// A mistake that a parser found.
    pub fn push(&mut self, error: syn::Error) {
        self.errors.push(error);
    }

    /// Whether nothing is wrong so far.
    pub fn is_empty(&self) -> bool {
        self.errors.is_empty()
    }

    /// All mistakes as one error.
    ///
    /// # Errors
    /// Where there is at least one mistake.
    pub fn finish(self) -> Result<(), syn::Error> {
        let mut errors = self.errors.into_iter();
        let Some(mut all) = errors.next() else {
            return Ok(());
        };
        all.extend(errors);
        Err(all)
    }
}
