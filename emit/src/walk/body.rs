//! Items inside functions: rustc runs their derives too.

use proc_macro2::TokenStream;
use quote::ToTokens as _;
use syn::visit::{self, Visit};
use syn::{Attribute, Expr, Item, Stmt};

use super::attrs::Facts;
use super::tree::{Place, Tree};

/// Walks the bodies of one item that is not a module.
pub(super) fn walk(tree: &mut Tree<'_>, item: &Item, place: Place) {
    visit::visit_item(&mut Bodies { tree, place }, item);
}

struct Bodies<'t, 'c> {
    tree: &'t mut Tree<'c>,
    place: Place,
}

impl Bodies<'_, '_> {
    /// Goes on with `walk` where these attributes let the code exist.
    fn within(&mut self, attrs: &[Attribute], walk: impl FnOnce(&mut Self)) {
        let outer = self.place.worlds;
        if !attrs.is_empty() {
            match Facts::parsed(attrs, self.tree.cfg) {
                Ok(facts) => self.place.worlds = outer & facts.worlds,
                Err(_) => return self.tree.refuse(&self.place.file),
            }
        }
        if !self.place.worlds.is_empty() {
            walk(self);
        }
        self.place.worlds = outer;
    }
}

impl<'ast> Visit<'ast> for Bodies<'_, '_> {
    /// A block's items form a scope, which its statements share.
    fn visit_block(&mut self, block: &'ast syn::Block) {
        let items: TokenStream = block
            .stmts
            .iter()
            .filter_map(|stmt| match stmt {
                Stmt::Item(item) => Some(item.to_token_stream()),
                _ => None,
            })
            .collect();
        let outer = self.place.clone();
        if !items.is_empty() {
            self.place = self.tree.block(items, &outer);
        }
        visit::visit_block(self, block);
        self.place = outer;
    }

    /// Items of a block were walked with it.
    fn visit_item(&mut self, _: &'ast Item) {}

    fn visit_local(&mut self, local: &'ast syn::Local) {
        self.within(&local.attrs, |this| visit::visit_local(this, local));
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        self.within(&arm.attrs, |this| visit::visit_arm(this, arm));
    }

    fn visit_field_value(&mut self, field: &'ast syn::FieldValue) {
        self.within(&field.attrs, |this| visit::visit_field_value(this, field));
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.within(&item.attrs, |this| visit::visit_impl_item_fn(this, item));
    }

    fn visit_impl_item_const(&mut self, item: &'ast syn::ImplItemConst) {
        self.within(&item.attrs, |this| visit::visit_impl_item_const(this, item));
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        self.within(&item.attrs, |this| visit::visit_trait_item_fn(this, item));
    }

    fn visit_trait_item_const(&mut self, item: &'ast syn::TraitItemConst) {
        self.within(&item.attrs, |this| {
            visit::visit_trait_item_const(this, item)
        });
    }

    fn visit_expr(&mut self, expr: &'ast Expr) {
        self.within(attributes(expr), |this| visit::visit_expr(this, expr));
    }
}

/// The attributes of an expression that may stand as a statement or hold a block.
fn attributes(expr: &Expr) -> &[Attribute] {
    macro_rules! of {
        ($($kind:ident)*) => {
            match expr {
                $(Expr::$kind(expr) => &expr.attrs,)*
                _ => &[],
            }
        };
    }
    of!(
        Array Assign Async Await Binary Block Call Closure Const ForLoop If Loop Match MethodCall
        Paren Reference Return Struct Try TryBlock Tuple Unary Unsafe While
    )
}
