//! What a table is to the runtime: its names, its rows, what its policies allow.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use tabellion_sql::ident::quote as sql_quote;
use tabellion_sql::schema::{Command, QualifiedName, Type};
use tabellion_syntax::ast::{Column, PathRef, Table, TypeRef};
use tabellion_syntax::predicate::plain;

use super::{Read, constraints, fields};

pub(super) fn table(read: &Read<'_>, finders: &[TokenStream]) -> TokenStream {
    let table = read.table;
    let ident = &table.ident;
    let name = QualifiedName::new(&table.schema.value, &table.name.value).to_string();
    let columns = table
        .columns
        .iter()
        .map(|column| sql_quote(&column.name.value).into_owned());
    let types = table.columns.iter().map(|column| match &column.ty {
        TypeRef::Known(ty) | TypeRef::Stated(ty) => sql_type(ty),
        TypeRef::Enum(_) => sql_type(&Type::Text),
        TypeRef::EnumArray(_) => sql_type(&Type::Array(Box::new(Type::Text))),
    });
    let counted = table.columns.iter().find(|column| column.version);
    let (version, has_version) = match counted {
        None => (TokenStream::new(), TokenStream::new()),
        Some(column) => {
            let name = sql_quote(&column.name.value).into_owned();
            let ty = fields::written(column);
            let version = quote! {
                const VERSION_COLUMN: ::core::option::Option<&'static ::core::primitive::str> =
                    ::core::option::Option::Some(#name);
            };
            let has_version = quote! {
                #[diagnostic::do_not_recommend]
                impl ::tabellion::HasVersion for #ident {
                    type Version = #ty;
                }
            };
            (version, has_version)
        }
    };
    let scope = match &table.scope {
        Some(path) => {
            let path = &path.0;
            quote_spanned!(path.span()=> type Scope = #path;)
        }
        None => quote!(
            type Scope = ::tabellion::NoScope;
        ),
    };
    // Where no column has another name than its field, the columns stand for both.
    let same = |column: &Column| {
        let name = &column.name.value;
        plain(&column.ident) == *name && sql_quote(name) == name.as_str()
    };
    let fields = match table.columns.iter().all(same) {
        true => TokenStream::new(),
        false => {
            let fields = table.columns.iter().map(|column| plain(&column.ident));
            quote! {
                const FIELDS: &'static [&'static ::core::primitive::str] = &[#(#fields),*];
            }
        }
    };
    let finders = match finders {
        [] => TokenStream::new(),
        finders => quote! {
            const FINDERS: &'static [::tabellion::Index] = &[#(#finders),*];
        },
    };
    let constraints = constraints::constraints(table, read.is_right);
    let limits = limits(table);
    let from_row = from_row(read);
    let key = primary_key(read);
    let allows = allowed(read).into_iter().map(|(scope, command)| {
        let mut name = command.as_str().to_owned();
        name[..1].make_ascii_uppercase();
        let allows = format_ident!("Allows{name}");
        let is_read = read.is_right && command == Command::Select;
        let columns = scope.filter(|_| is_read);
        let columns = columns.and_then(|scope| table.of_columns(scope, command));
        let scope = match scope {
            Some(PathRef(path)) => quote_spanned!(path.span()=> #path),
            None => quote!(::tabellion::NoScope),
        };
        if let Some(columns) = columns {
            // Never so; but of every lifetime, so that rustc says it where it is asked, and points here.
            return quote_spanned! {columns.span=>
                impl ::tabellion::AllowsSelect<#scope> for #ident
                where
                    for<'a> #scope: ::tabellion::ReadsWholeRows<'a, #ident>
                {}
            };
        }
        quote! {
            #[diagnostic::do_not_recommend]
            impl ::tabellion::#allows<#scope> for #ident {}
        }
    });
    // The table's own says it by itself.
    let others = table
        .scopes()
        .into_iter()
        .filter(|path| table.scope.as_ref() != Some(*path));
    let others = others.map(|PathRef(path)| {
        quote_spanned!(path.span()=>
            const _: &::core::primitive::str = <#path as ::tabellion::Scope>::ROLE;
        )
    });
    quote! {
        #(#others)*
        #[diagnostic::do_not_recommend]
        impl ::tabellion::Table for #ident {
            #scope
            const NAME: &'static ::core::primitive::str = #name;
            const COLUMNS: &'static [&'static ::core::primitive::str] = &[#(#columns),*];
            const TYPES: &'static [&'static ::core::primitive::str] = &[#(#types),*];
            #fields
            #version
            #finders
            #constraints
            #limits
            fn from_row(
                row: &::tabellion::Row<'_>,
            ) -> ::core::result::Result<Self, ::tabellion::Error> {
                #from_row
            }
        }
        #key
        #has_version
        #(#allows)*
    }
}

/// The columns whose values have a limit, which an error of the server is about without naming one.
fn limits(table: &Table) -> TokenStream {
    let limits = table.columns.iter().filter_map(|column| {
        let (TypeRef::Known(ty) | TypeRef::Stated(ty)) = &column.ty else {
            return None;
        };
        match fields::innermost(ty) {
            Type::Varchar(Some(_)) | Type::Char(_) | Type::Numeric(Some(_)) => {
                let (name, ty) = (&column.name.value, ty.to_string());
                Some(quote!((#name, #ty)))
            }
            _ => None,
        }
    });
    let limits: Vec<TokenStream> = limits.collect();
    match limits.as_slice() {
        [] => TokenStream::new(),
        limits => quote! {
            const LIMITS: &'static [::tabellion::query::SizeLimit] = &[#(#limits),*];
        },
    }
}

/// A type as SQL without what it leaves open, so that a cast to it cuts nothing off.
fn sql_type(ty: &Type) -> String {
    match ty {
        Type::Array(element) => format!("{}[]", sql_type(element)),
        Type::Named(_) => ty.internal_name(),
        ty => format!("pg_catalog.{}", ty.internal_name()),
    }
}

/// What is allowed to whom. Of a broken table everything, so that no query says the same a second time.
fn allowed<'a>(read: &'a Read<'_>) -> Vec<(Option<&'a PathRef>, Command)> {
    let table = read.table;
    let mut scopes: Vec<Option<&PathRef>> = table.scopes().into_iter().map(Some).collect();
    if table.scope.is_none() {
        scopes.push(None);
    }
    let commands = |scope: Option<&'a PathRef>| {
        let commands = match read.is_right {
            true => table.commands(scope),
            false => Command::ALL.into(),
        };
        commands.into_iter().map(move |command| (scope, command))
    };
    scopes.into_iter().flat_map(commands).collect()
}

fn from_row(read: &Read<'_>) -> TokenStream {
    if !read.is_right {
        // A field that cannot be read would be reported again. It never runs.
        return quote! {
            _ = row;
            ::core::panic!()
        };
    }
    let fields = read
        .table
        .columns
        .iter()
        .enumerate()
        .map(|(index, column)| {
            let field = &column.ident;
            match fields::promise(column, "get") {
                None => quote!(#field: row.get(#index)?),
                Some(get) => quote!(#field: #get(row, #index)?),
            }
        });
    quote!(::core::result::Result::Ok(Self { #(#fields),* }))
}

fn primary_key(read: &Read<'_>) -> TokenStream {
    let table = read.table;
    let columns: Option<Vec<&Column>> = table
        .primary_key
        .iter()
        .map(|field| table.column(field))
        .collect();
    let Some(columns) = columns.filter(|columns| !columns.is_empty()) else {
        return TokenStream::new();
    };
    let ident = &table.ident;
    let names = columns
        .iter()
        .map(|column| sql_quote(&column.name.value).into_owned());
    let types: Vec<TokenStream> = columns
        .iter()
        .map(|column| fields::written(column))
        .collect();
    let key = match types.as_slice() {
        [one] => one.clone(),
        several => quote!((#(#several),*)),
    };
    let parts: Vec<Ident> = (0..columns.len())
        .map(|n| format_ident!("part{n}"))
        .collect();
    let pattern = match parts.as_slice() {
        [one] => quote!(#one),
        several => quote!((#(#several),*)),
    };
    let bind = match read.is_right {
        true => {
            let pushes = columns
                .iter()
                .zip(&parts)
                .map(|(column, part)| push(column, quote!(#part)));
            quote! {
                let #pattern = key;
                #(#pushes)*
            }
        }
        false => quote!(_ = (key, params);),
    };
    quote! {
        #[diagnostic::do_not_recommend]
        impl ::tabellion::HasPrimaryKey for #ident {
            type Key = #key;
            const KEY: &'static [&'static ::core::primitive::str] = &[#(#names),*];
            fn bind(key: Self::Key, params: &mut ::tabellion::Params) {
                #bind
            }
        }
    }
}

/// Adds a value of a column to `params`.
pub(super) fn push(column: &Column, value: TokenStream) -> TokenStream {
    match fields::promise(column, "sent") {
        None => quote!(params.push(#value);),
        Some(sent) => quote!(params.push(#sent(#value));),
    }
}
