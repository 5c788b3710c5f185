//! The first look at a list of items: what each one is called and where it exists, without
//! parsing what it holds.
//!
//! Function bodies are most of a crate's text and say nothing about its tables, so they are passed
//! over by their brackets. That is what keeps emit fast in an unoptimised build script, and what
//! keeps a syntax that syn does not know yet from hiding the tables around it.

use proc_macro2::{Delimiter, Spacing};
use syn::buffer::Cursor;
use syn::ext::IdentExt as _;
use syn::parse::ParseBuffer;
use syn::parse::discouraged::Speculative as _;
use syn::{Ident, LitStr, Token, UseTree, Visibility, token};

use super::attrs::Facts;
use super::cfg::{Cfg, Worlds};

/// One item, seen from outside.
pub(super) struct Head<'a> {
    pub(super) facts: Facts,
    pub(super) vis: Visibility,
    pub(super) kind: Kind<'a>,
    /// Where the item's text begins, its attributes included.
    pub(super) start: ParseBuffer<'a>,
    /// Where it ends.
    pub(super) end: Cursor<'a>,
}

/// What an item is, as far as finding tables and resolving paths needs to know.
pub(super) enum Kind<'a> {
    /// A struct, an enum or a union.
    Type(Ident),
    /// `type Name = path;`, the path only where it is one.
    Alias(Ident, Option<syn::Path>),
    /// A trait, and whether its bodies may hold items.
    Trait(Ident, bool),
    /// `mod name;`, or its items if they stand here.
    Mod(Ident, Option<ParseBuffer<'a>>),
    /// A `use` declaration; whether it begins with `::`.
    Use(UseTree, bool),
    /// `extern crate real as name;`.
    ExternCrate(Ident, Ident),
    /// `include!("file")`.
    Include(String),
    /// A function or anything else whose body may hold items with a derive.
    Code,
}

/// The heads of a list of items.
pub(super) struct Heads<'a, 'c> {
    cfg: &'c Cfg,
    bodies: bool,
    pub(super) list: Vec<Head<'a>>,
    /// Whether something was met that rustc would refuse.
    pub(super) broken: bool,
}

impl<'a, 'c> Heads<'a, 'c> {
    /// Reads `input` to its end; `bodies` asks to look for items inside functions too. Never
    /// fails: what cannot be read is passed over and noted.
    pub(super) fn read(input: &ParseBuffer<'a>, cfg: &'c Cfg, bodies: bool) -> Heads<'a, 'c> {
        let mut heads = Heads {
            cfg,
            bodies,
            list: Vec::new(),
            broken: false,
        };
        heads.items(input, Worlds::ALL);
        heads
    }

    fn items(&mut self, input: &ParseBuffer<'a>, under: Worlds) {
        while !input.is_empty() {
            let start = input.fork();
            if self.item(input, under).is_err() {
                self.broken = true;
                // The item's attributes end in brackets, so this passes over all of it.
                pass(&start, false, false);
                input.advance_to(&start);
            }
        }
    }

    fn item(&mut self, input: &ParseBuffer<'a>, under: Worlds) -> syn::Result<()> {
        let start = input.fork();
        let mut facts = Facts::default();
        facts.outer(input, self.cfg)?;
        facts.worlds = facts.worlds & under;
        if let Some((name, arguments)) = macro_call(input)? {
            return self.macro_call(&name, arguments, facts, [start, input.fork()]);
        }
        let vis = input.parse::<Visibility>()?;
        let Some(kind) = kind(input, self.bodies)? else {
            return Ok(());
        };
        if !facts.worlds.is_empty() {
            self.list.push(Head {
                facts,
                vis,
                kind,
                start,
                end: input.cursor(),
            });
        }
        Ok(())
    }

    fn macro_call(
        &mut self,
        name: &str,
        arguments: ParseBuffer<'a>,
        facts: Facts,
        [start, end]: [ParseBuffer<'a>; 2],
    ) -> syn::Result<()> {
        if facts.worlds.is_empty() {
            return Ok(());
        }
        match name {
            // Only a literal path: anything else (OUT_DIR, mostly) is made by the build itself.
            "include" if arguments.peek(LitStr) => {
                let kind = Kind::Include(arguments.parse::<LitStr>()?.value());
                self.list.push(Head {
                    facts,
                    vis: Visibility::Inherited,
                    kind,
                    start,
                    end: end.cursor(),
                });
                Ok(())
            }
            "cfg_if" => self.cfg_if(&arguments, facts.worlds),
            "cfg_select" => self.cfg_select(&arguments, facts.worlds),
            _ => Ok(()),
        }
    }

    /// `cfg_if! { if #[cfg(a)] { items } else if #[cfg(b)] { items } else { items } }`.
    fn cfg_if(&mut self, input: &ParseBuffer<'a>, under: Worlds) -> syn::Result<()> {
        let mut left = under;
        loop {
            let mut here = left;
            if input.peek(Token![if]) {
                input.parse::<Token![if]>()?;
                let mut facts = Facts::default();
                facts.outer(input, self.cfg)?;
                here = left & facts.worlds;
                left = left & !facts.worlds;
            }
            let items;
            syn::braced!(items in input);
            self.branch(items, here);
            if input.is_empty() {
                return Ok(());
            }
            input.parse::<Token![else]>()?;
        }
    }

    /// `cfg_select! { a => { items } b => { items } _ => { items } }`.
    fn cfg_select(&mut self, input: &ParseBuffer<'a>, under: Worlds) -> syn::Result<()> {
        let mut left = under;
        while !input.is_empty() {
            let holds = if input.peek(Token![_]) {
                input.parse::<Token![_]>()?;
                Worlds::ALL
            } else {
                self.cfg.predicate(input)?
            };
            input.parse::<Token![=>]>()?;
            let items;
            syn::braced!(items in input);
            self.branch(items, left & holds);
            left = left & !holds;
            input.parse::<Option<Token![,]>>()?;
        }
        Ok(())
    }

    fn branch(&mut self, items: ParseBuffer<'a>, under: Worlds) {
        if under.is_empty() {
            let _ = items.parse::<proc_macro2::TokenStream>();
        } else {
            self.items(&items, under);
        }
    }
}

/// Reads past a macro's call, and gives its last name and its arguments; reads nothing if no call
/// stands here.
fn macro_call<'a>(input: &ParseBuffer<'a>) -> syn::Result<Option<(String, ParseBuffer<'a>)>> {
    let ahead = input.fork();
    ahead.parse::<Option<Token![::]>>()?;
    let mut name;
    loop {
        if !ahead.peek(Ident::peek_any) {
            return Ok(None);
        }
        name = ahead.call(Ident::parse_any)?;
        if !ahead.peek(Token![::]) {
            break;
        }
        ahead.parse::<Token![::]>()?;
    }
    if !ahead.peek(Token![!]) {
        return Ok(None);
    }
    ahead.parse::<Token![!]>()?;
    // The name in `macro_rules! name { ... }`.
    if ahead.peek(Ident::peek_any) {
        ahead.call(Ident::parse_any)?;
    }
    let arguments;
    if ahead.peek(token::Brace) {
        syn::braced!(arguments in ahead);
    } else if ahead.peek(token::Paren) {
        syn::parenthesized!(arguments in ahead);
        ahead.parse::<Token![;]>()?;
    } else {
        syn::bracketed!(arguments in ahead);
        ahead.parse::<Token![;]>()?;
    }
    input.advance_to(&ahead);
    Ok(Some((name.unraw().to_string(), arguments)))
}

/// Reads an item from after its visibility to its end. `None` for one that is nothing to us.
fn kind<'a>(input: &ParseBuffer<'a>, bodies: bool) -> syn::Result<Option<Kind<'a>>> {
    let ahead = input.fork();
    let pass = |to_semicolon| pass(input, to_semicolon, bodies);
    loop {
        let Ok(word) = ahead.call(Ident::parse_any) else {
            pass(false);
            return Ok(None);
        };
        let word = word.to_string();
        match word.as_str() {
            // Words that may stand before another one.
            "default" | "unsafe" | "safe" | "async" | "gen" | "auto" | "final" => {}
            "const" => {
                let next = ahead
                    .fork()
                    .call(Ident::parse_any)
                    .map(|word| word.to_string());
                let more = [
                    "fn", "unsafe", "async", "extern", "gen", "trait", "impl", "auto",
                ];
                if !next.is_ok_and(|next| more.contains(&next.as_str())) {
                    return Ok(pass(true).then_some(Kind::Code));
                }
            }
            "extern" => {
                if ahead.peek(Token![crate]) {
                    ahead.parse::<Token![crate]>()?;
                    let real = ahead.call(Ident::parse_any)?;
                    let name = match ahead.parse::<Option<Token![as]>>()? {
                        None => real.clone(),
                        Some(_) => ahead.call(Ident::parse_any)?,
                    };
                    pass(true);
                    return Ok(Some(Kind::ExternCrate(real, name)));
                }
                ahead.parse::<Option<syn::Lit>>()?;
                if ahead.peek(token::Brace) {
                    pass(false);
                    return Ok(None);
                }
            }
            "struct" | "enum" | "union" => {
                let name = ahead.parse()?;
                pass(false);
                return Ok(Some(Kind::Type(name)));
            }
            "trait" => {
                let name = ahead.parse()?;
                return Ok(Some(Kind::Trait(name, pass(false))));
            }
            "type" => {
                let name = ahead.parse()?;
                let target = ahead.parse::<Token![=]>().and_then(|_| ahead.parse());
                let whole = target.is_ok() && ahead.peek(Token![;]);
                pass(true);
                return Ok(Some(Kind::Alias(name, target.ok().filter(|_| whole))));
            }
            "mod" => {
                let name = ahead.parse()?;
                let mut content = None;
                if ahead.peek(token::Brace) {
                    let items;
                    syn::braced!(items in ahead);
                    content = Some(items);
                } else {
                    ahead.parse::<Token![;]>()?;
                }
                input.advance_to(&ahead);
                return Ok(Some(Kind::Mod(name, content)));
            }
            "use" => {
                let leading = ahead.parse::<Option<Token![::]>>()?.is_some();
                let tree = ahead.parse()?;
                ahead.parse::<Token![;]>()?;
                input.advance_to(&ahead);
                return Ok(Some(Kind::Use(tree, leading)));
            }
            "static" => {
                return Ok(pass(true).then_some(Kind::Code));
            }
            "fn" | "impl" => {
                return Ok(pass(false).then_some(Kind::Code));
            }
            // A syntax of the future.
            _ => {
                pass(false);
                return Ok(None);
            }
        }
    }
}

/// Passes over an item, and says whether `bodies` were asked for and this one may hold items.
fn pass(input: &ParseBuffer<'_>, to_semicolon: bool, bodies: bool) -> bool {
    let mut held = false;
    let _ = input.step(|cursor| {
        let after;
        (after, held) = past_item(*cursor, to_semicolon, bodies);
        Ok(((), after))
    });
    held
}

/// The place after the item that begins at `cursor`: after its first `;` or, unless only that ends
/// it, after the first braces that are no generic argument. And what [`pass`] says.
fn past_item(mut cursor: Cursor<'_>, to_semicolon: bool, bodies: bool) -> (Cursor<'_>, bool) {
    let (mut angles, mut arrow, mut held) = (0_u32, false, false);
    while !cursor.eof() {
        if let Some((inside, delimiter, _, after)) = cursor.any_group() {
            held = held || bodies && mentions_item(inside);
            if delimiter == Delimiter::Brace && !to_semicolon && angles == 0 {
                return (after, held);
            }
            (cursor, arrow) = (after, false);
        } else if let Some((punct, after)) = cursor.punct() {
            match punct.as_char() {
                ';' => return (after, held),
                '<' => angles += 1,
                // Not the tip of `->` or `=>`.
                '>' if !arrow => angles = angles.saturating_sub(1),
                _ => {}
            }
            arrow = matches!(punct.as_char(), '-' | '=') && punct.spacing() == Spacing::Joint;
            cursor = after;
        } else {
            let Some((_, after)) = cursor.token_tree() else {
                break;
            };
            (cursor, arrow) = (after, false);
        }
    }
    (cursor, held)
}

/// Whether a derive or a module may stand somewhere in these tokens.
fn mentions_item(cursor: Cursor<'_>) -> bool {
    let mut todo = vec![cursor];
    while let Some(mut cursor) = todo.pop() {
        while !cursor.eof() {
            if let Some((inside, _, _, after)) = cursor.any_group() {
                todo.push(inside);
                cursor = after;
            } else if let Some((ident, after)) = cursor.ident() {
                if ident == "derive" || ident == "mod" {
                    return true;
                }
                cursor = after;
            } else {
                let Some((_, after)) = cursor.token_tree() else {
                    break;
                };
                cursor = after;
            }
        }
    }
    false
}
