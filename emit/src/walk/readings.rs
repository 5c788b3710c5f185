//! A type with one of our derives: what rustc hands to them, in each world.

use std::collections::BTreeSet;
use std::path::Path;
use std::rc::Rc;

use proc_macro2::TokenTree;
use quote::ToTokens as _;
use syn::buffer::Cursor;
use syn::parse::ParseBuffer;
use syn::{DeriveInput, Ident};

use super::attrs::{self, Facts};
use super::cfg::Worlds;
use super::scope::{Def, Derive};
use super::tree::{Place, Tree};
use super::{Found, Input};

impl Tree<'_> {
    /// Adds a type if it has one of our derives; gives the worlds where it has none.
    pub(super) fn derived(
        &mut self,
        name: &Ident,
        vis: &syn::Visibility,
        worlds: Worlds,
        facts: &Facts,
        text: Text<'_, '_>,
        place: &Place,
    ) -> Worlds {
        let mut ours: Vec<(Derive, Worlds)> = Vec::new();
        for (path, under) in &facts.derives {
            if let Some(derive) = self.index.derive(place.scope, path) {
                ours.push((derive, *under & worlds));
            }
        }
        let here = ours
            .iter()
            .fold(Worlds::NONE, |all, (_, under)| all | *under);
        if here.is_empty() {
            return worlds;
        }
        let ordinal = self.met;
        self.met += 1;
        let readings = if let Some(text) = text.put_off(&place.later) {
            vec![(Input::later(text), kinds(&ours), here)]
        } else if let Ok(input) = text.start.parse::<DeriveInput>() {
            let readings = self.readings(input, &ours, here, &place.file);
            let read = readings.into_iter();
            read.map(|(input, derives, worlds)| (Input::read(Some(input)), derives, worlds))
                .collect()
        } else {
            // Whatever refers to it finds it broken, as the threads do that put it off.
            self.refuse(&place.file);
            vec![(Input::read(None), kinds(&ours), here)]
        };
        for (input, derives, worlds) in readings {
            let item = self.items.len();
            self.index
                .declare(place.scope, name, vis, worlds, Def::Item(item));
            self.items.push(Found {
                ordinal,
                module: self.index.scopes[place.scope].path.clone(),
                name: name.clone(),
                input,
                derives,
                worlds,
                scope: place.scope,
            });
        }
        worlds & !here
    }

    /// What rustc hands to the derives in each world, equal readings put together.
    fn readings(
        &mut self,
        mut input: DeriveInput,
        ours: &[(Derive, Worlds)],
        here: Worlds,
        file: &Path,
    ) -> Vec<(DeriveInput, Vec<Derive>, Worlds)> {
        if ours.iter().all(|(_, under)| *under == here) && !attrs::is_conditional(&input) {
            // Nothing depends on the world, so that nothing need be copied.
            input.attrs.retain(|attr| !attr.path().is_ident("derive"));
            return vec![(input, kinds(ours), here)];
        }
        let mut readings: Vec<(DeriveInput, Vec<Derive>, Worlds)> = Vec::new();
        let mut left = here;
        while let Some(world) = left.each().next() {
            let mut reading = input.clone();
            let Ok(alike) = attrs::configure(&mut reading, world, self.cfg) else {
                self.refuse(file);
                return readings;
            };
            let mut derives = ours.to_vec();
            derives.retain(|(_, under)| under.meets(world));
            let derives = kinds(&derives);
            // One reading serves every world unless a predicate tells them apart.
            let alike = alike && ours.iter().all(|(_, under)| *under == here);
            let worlds = if alike { here } else { world };
            left = left & !worlds;
            let same = readings
                .iter_mut()
                .find(|(other, kinds, _)| text(other) == text(&reading) && *kinds == derives);
            match same {
                Some((_, _, before)) => *before = *before | worlds,
                None => readings.push((reading, derives, worlds)),
            }
        }
        readings
    }
}

/// An item as it is written.
pub(super) struct Text<'a, 'b> {
    pub(super) start: &'b ParseBuffer<'a>,
    pub(super) end: Cursor<'a>,
}

impl Text<'_, '_> {
    /// What was written in its place, if it was put off.
    fn put_off(&self, later: &[Rc<str>]) -> Option<Rc<str>> {
        if later.is_empty() {
            return None;
        }
        let mut at = self.start.cursor();
        let mut last = None;
        while at != self.end
            && let Some((tree, next)) = at.token_tree()
        {
            (last, at) = (Some(tree), next);
        }
        let Some(TokenTree::Group(braces)) = last else {
            return None;
        };
        // No type holds a number.
        let number = braces.stream().to_string().parse::<usize>().ok()?;
        later.get(number).cloned()
    }
}

/// Which derives they are, sorted.
fn kinds(ours: &[(Derive, Worlds)]) -> Vec<Derive> {
    let kinds: BTreeSet<Derive> = ours.iter().map(|(kind, _)| *kind).collect();
    kinds.into_iter().collect()
}

/// What two readings are compared by.
fn text(input: &DeriveInput) -> String {
    input.to_token_stream().to_string()
}
