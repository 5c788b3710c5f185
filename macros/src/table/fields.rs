//! A field's type in what the derive writes.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use tabellion_sql::schema::Type;
use tabellion_syntax::ast::{Column, TypeRef};

/// The type of a field as it was written, `Option` included.
pub(super) fn written(column: &Column) -> TokenStream {
    let base = &column.rust_type.0;
    optional(column, quote!(#base))
}

/// `<type as trait>::method`, which makes sure that the field's type is what its name promises; `None`
/// where the name can mean nothing else.
///
/// Where the field is an `Option`, the method is the one that takes it off.
pub(super) fn promise(column: &Column, method: &str) -> Option<TokenStream> {
    let method = match column.nullable {
        true => format_ident!("{method}_optional"),
        false => format_ident!("{method}"),
    };
    promise_base(column, method)
}

/// The same of the type without its `Option`.
pub(super) fn promise_base(column: &Column, method: Ident) -> Option<TokenStream> {
    let base = &column.rust_type.0;
    // All of it at the field's type, which is where an error belongs.
    let span = base.span();
    let of = match &column.ty {
        TypeRef::Known(ty) if *innermost(ty) == Type::Jsonb => quote_spanned!(span=> JsonField),
        TypeRef::Known(ty) => {
            let class = class(ty)?;
            quote_spanned!(span=> KnownField<#class>)
        }
        TypeRef::Stated(_) => quote_spanned!(span=> StatedField),
        TypeRef::Enum(_) | TypeRef::EnumArray(_) => quote_spanned!(span=> EnumField),
    };
    let method = Ident::new(&method.to_string(), span);
    Some(quote_spanned!(span=> <#base as ::tabellion::types::#of>::#method))
}

pub(super) fn innermost(ty: &Type) -> &Type {
    match ty {
        Type::Array(element) => innermost(element),
        ty => ty,
    }
}

fn optional(column: &Column, base: TokenStream) -> TokenStream {
    if column.nullable {
        quote!(::core::option::Option<#base>)
    } else {
        base
    }
}

/// What values of the type compare as; `None` for those whose Rust name nobody gives to a type of
/// their own, such as `i32` and `String`.
fn class(ty: &Type) -> Option<TokenStream> {
    let name: Ident = match ty {
        Type::Numeric(_) => format_ident!("Number"),
        Type::Uuid => format_ident!("Uuid"),
        Type::Date => format_ident!("Date"),
        Type::Time(_) => format_ident!("Time"),
        Type::Timestamp(_) => format_ident!("Timestamp"),
        Type::Timestamptz(_) => format_ident!("Timestamptz"),
        Type::Interval => format_ident!("Interval"),
        Type::Named(_) => named_class(&ty.internal_name())?,
        Type::Array(element) => {
            let element = class(element)?;
            return Some(quote!(::tabellion::types::class::Array<#element>));
        }
        _ => return None,
    };
    Some(quote!(::tabellion::types::class::#name))
}

/// The class of a type that has only its name.
fn named_class(name: &str) -> Option<Ident> {
    Some(match name {
        "inet" | "cidr" => format_ident!("Inet"),
        "macaddr" => format_ident!("MacAddr"),
        "tsvector" => format_ident!("Tsvector"),
        "vector" => format_ident!("Vector"),
        "int4range" => format_ident!("Int4Range"),
        "int8range" => format_ident!("Int8Range"),
        "numrange" => format_ident!("NumRange"),
        "daterange" => format_ident!("DateRange"),
        "tsrange" => format_ident!("TsRange"),
        "tstzrange" => format_ident!("TstzRange"),
        _ => return None,
    })
}
