//! Attributes as they stand once `cfg` and `cfg_attr` are resolved.
//!
//! Two readings: [`Facts`] skims an item's attributes for the few that decide where it exists;
//! [`configure`] rewrites a whole struct or enum into what rustc hands its derives.

use std::cell::Cell;

use proc_macro2::{Delimiter, TokenTree};
use syn::buffer::Cursor;
use syn::ext::IdentExt as _;
use syn::parse::{Parse as _, ParseStream};
use syn::punctuated::Punctuated;
use syn::visit::Visit;
use syn::{Attribute, Data, DeriveInput, Fields, GenericParam, Ident, LitStr, Meta, Token, token};

use super::cfg::{Cfg, Worlds};

/// Attributes that make a function a test, which rustc leaves out of every other build. The last
/// two belong to crates that are in wide use; a `test` of any crate is known by its last segment.
const TESTS: [&str; 4] = ["test", "bench", "rstest", "test_case"];

/// What an item's attributes say to the walk.
pub(super) struct Facts {
    /// Where the item exists.
    pub(super) worlds: Worlds,
    /// The paths in its `derive`s, each with where it applies.
    pub(super) derives: Vec<(syn::Path, Worlds)>,
    /// The values of its `path` attributes, the first that applies counting.
    pub(super) path: Vec<(String, Worlds)>,
}

impl Default for Facts {
    fn default() -> Facts {
        Facts {
            worlds: Worlds::ALL,
            derives: Vec::new(),
            path: Vec::new(),
        }
    }
}

impl Facts {
    /// Reads the outer attributes in front of an item.
    ///
    /// # Errors
    /// A malformed `cfg`, `cfg_attr`, `derive` or `path`.
    pub(super) fn outer(&mut self, input: ParseStream<'_>, cfg: &Cfg) -> syn::Result<()> {
        while input.peek(Token![#]) && input.peek2(token::Bracket) {
            input.parse::<Token![#]>()?;
            self.bracketed(input, cfg)?;
        }
        Ok(())
    }

    /// Reads the inner attributes at the head of a file or a module.
    ///
    /// # Errors
    /// As for [`Facts::outer`].
    pub(super) fn inner(&mut self, input: ParseStream<'_>, cfg: &Cfg) -> syn::Result<()> {
        while input.peek(Token![#]) && input.peek2(Token![!]) && input.peek3(token::Bracket) {
            input.parse::<Token![#]>()?;
            input.parse::<Token![!]>()?;
            self.bracketed(input, cfg)?;
        }
        Ok(())
    }

    /// Reads attributes that syn has already parsed.
    ///
    /// # Errors
    /// As for [`Facts::outer`].
    pub(super) fn parsed(attrs: &[Attribute], cfg: &Cfg) -> syn::Result<Facts> {
        let mut facts = Facts::default();
        for attr in attrs {
            let meta = &attr.meta;
            syn::parse::Parser::parse2(
                |input: ParseStream<'_>| facts.attribute(input, Worlds::ALL, cfg),
                quote::ToTokens::to_token_stream(meta),
            )?;
        }
        Ok(facts)
    }

    fn bracketed(&mut self, input: ParseStream<'_>, cfg: &Cfg) -> syn::Result<()> {
        // Most attributes are doc comments, and there are many.
        let skipped = input.step(|cursor| match cursor.group(Delimiter::Bracket) {
            Some((inside, _, after)) if is_doc(inside) => Ok(((), after)),
            _ => Err(cursor.error("not a doc comment")),
        });
        if skipped.is_ok() {
            return Ok(());
        }
        let content;
        syn::bracketed!(content in input);
        self.attribute(&content, Worlds::ALL, cfg)
    }

    /// Reads one attribute, which applies in `under`, up to a comma or the end.
    fn attribute(&mut self, input: ParseStream<'_>, under: Worlds, cfg: &Cfg) -> syn::Result<()> {
        let (mut name, mut segments) = (String::new(), 0);
        while input.peek(Ident::peek_any) || input.peek(Token![::]) {
            input.parse::<Option<Token![::]>>()?;
            name = input.call(Ident::parse_any)?.unraw().to_string();
            segments += 1;
        }
        match name.as_str() {
            name if TESTS.contains(&name) => self.worlds = self.worlds & (!under | Worlds::TEST),
            // The compiler's own attributes are never written with a path in front.
            _ if segments != 1 => {}
            "cfg" => {
                let content;
                syn::parenthesized!(content in input);
                let holds = cfg.predicate(&content)?;
                self.worlds = self.worlds & (!under | holds);
            }
            "cfg_attr" => {
                let content;
                syn::parenthesized!(content in input);
                let under = under & cfg.predicate(&content)?;
                while !content.is_empty() {
                    content.parse::<Token![,]>()?;
                    if !content.is_empty() {
                        self.attribute(&content, under, cfg)?;
                    }
                }
            }
            "derive" => {
                let content;
                syn::parenthesized!(content in input);
                let paths = Punctuated::<syn::Path, Token![,]>::parse_terminated(&content)?;
                self.derives
                    .extend(paths.into_iter().map(|path| (path, under)));
            }
            "path" if input.peek(Token![=]) => {
                input.parse::<Token![=]>()?;
                self.path.push((input.parse::<LitStr>()?.value(), under));
            }
            _ => {}
        }
        while !input.is_empty() && !input.peek(Token![,]) {
            input.parse::<TokenTree>()?;
        }
        Ok(())
    }
}

fn is_doc(attribute: Cursor<'_>) -> bool {
    let Some((name, after)) = attribute.ident() else {
        return false;
    };
    name == "doc"
        && after
            .punct()
            .is_some_and(|(punct, _)| punct.as_char() == '=')
}

/// Rewrites a struct or enum into what a derive on it is given in `world`: members that do not
/// exist left out, `cfg_attr`s spelled out, its `derive`s taken off. True if every world would
/// read it alike.
///
/// # Errors
/// A malformed `cfg` or `cfg_attr` anywhere in it.
pub(super) fn configure(input: &mut DeriveInput, world: Worlds, cfg: &Cfg) -> syn::Result<bool> {
    let this = Configure {
        world,
        cfg,
        alike: Cell::new(true),
    };
    this.attributes(&mut input.attrs)?;
    // On the item itself both were used up; on its members a `cfg` that holds stays.
    input
        .attrs
        .retain(|attr| !attr.path().is_ident("derive") && !attr.path().is_ident("cfg"));
    let params = std::mem::take(&mut input.generics.params);
    input.generics.params = this.list(params, |param| match param {
        GenericParam::Lifetime(param) => &mut param.attrs,
        GenericParam::Type(param) => &mut param.attrs,
        GenericParam::Const(param) => &mut param.attrs,
    })?;
    match &mut input.data {
        Data::Struct(data) => this.fields(&mut data.fields)?,
        Data::Union(data) => {
            let named = std::mem::take(&mut data.fields.named);
            data.fields.named = this.list(named, |field| &mut field.attrs)?;
        }
        Data::Enum(data) => {
            let variants = std::mem::take(&mut data.variants);
            data.variants = this.list(variants, |variant| &mut variant.attrs)?;
            for variant in &mut data.variants {
                this.fields(&mut variant.fields)?;
            }
        }
    }
    Ok(this.alike.get())
}

/// Whether a `cfg` or `cfg_attr` stands on a struct or enum, or on anything in it.
pub(super) fn is_conditional(input: &DeriveInput) -> bool {
    struct Search(bool);
    impl<'ast> Visit<'ast> for Search {
        fn visit_attribute(&mut self, attr: &'ast Attribute) {
            self.0 |= names_condition(attr);
        }

        // Types, bounds and values hold no attributes that decide what a derive is given.
        fn visit_type(&mut self, _: &'ast syn::Type) {}
        fn visit_expr(&mut self, _: &'ast syn::Expr) {}
    }
    let mut search = Search(false);
    search.visit_derive_input(input);
    search.0
}

fn names_condition(attr: &Attribute) -> bool {
    attr.path()
        .get_ident()
        .is_some_and(|name| name == "cfg" || name == "cfg_attr")
}

struct Configure<'a> {
    world: Worlds,
    cfg: &'a Cfg,
    /// Whether no predicate so far told one world from another.
    alike: Cell<bool>,
}

impl Configure<'_> {
    fn fields(&self, fields: &mut Fields) -> syn::Result<()> {
        let list = match fields {
            Fields::Named(fields) => &mut fields.named,
            Fields::Unnamed(fields) => &mut fields.unnamed,
            Fields::Unit => return Ok(()),
        };
        *list = self.list(std::mem::take(list), |field| &mut field.attrs)?;
        Ok(())
    }

    /// Keeps the entries that exist, their attributes rewritten.
    fn list<T>(
        &self,
        list: Punctuated<T, Token![,]>,
        attrs: impl Fn(&mut T) -> &mut Vec<Attribute>,
    ) -> syn::Result<Punctuated<T, Token![,]>> {
        let mut kept = Punctuated::new();
        for pair in list.into_pairs() {
            let (mut entry, comma) = pair.into_tuple();
            if self.attributes(attrs(&mut entry))? {
                kept.push_value(entry);
                if let Some(comma) = comma {
                    kept.push_punct(comma);
                }
            }
        }
        Ok(kept)
    }

    /// Rewrites attributes in place; false if their bearer does not exist.
    fn attributes(&self, attrs: &mut Vec<Attribute>) -> syn::Result<bool> {
        if !attrs.iter().any(names_condition) {
            return Ok(true);
        }
        let mut kept = Vec::with_capacity(attrs.len());
        let mut exists = true;
        for attr in std::mem::take(attrs) {
            exists &= self.attribute(attr, &mut kept)?;
        }
        *attrs = kept;
        Ok(exists)
    }

    fn attribute(&self, attr: Attribute, kept: &mut Vec<Attribute>) -> syn::Result<bool> {
        if attr.path().is_ident("cfg") {
            let holds = attr.parse_args_with(|input: ParseStream<'_>| self.holds(input))?;
            kept.push(attr);
            return Ok(holds);
        }
        if !attr.path().is_ident("cfg_attr") {
            kept.push(attr);
            return Ok(true);
        }
        let metas = attr.parse_args_with(|input: ParseStream<'_>| {
            let holds = self.holds(input)?;
            if input.is_empty() {
                return Ok(Vec::new());
            }
            input.parse::<Token![,]>()?;
            if !holds {
                // Never to be read, so that it need not be an attribute this syn knows.
                input.parse::<proc_macro2::TokenStream>()?;
                return Ok(Vec::new());
            }
            let metas = input.parse_terminated(Meta::parse, Token![,])?;
            Ok(metas.into_iter().collect())
        })?;
        let mut exists = true;
        for meta in metas {
            exists &= self.attribute(
                Attribute {
                    meta,
                    ..attr.clone()
                },
                kept,
            )?;
        }
        Ok(exists)
    }

    fn holds(&self, input: ParseStream<'_>) -> syn::Result<bool> {
        let worlds = self.cfg.predicate(input)?;
        if worlds != Worlds::NONE && worlds != Worlds::ALL {
            self.alike.set(false);
        }
        Ok(worlds.meets(self.world))
    }
}
