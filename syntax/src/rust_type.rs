//! What a field's Rust type says about its column.
//!
//! A derive sees a type's name, not the type. What is read here from the name, rustc confirms:
//! the derive emits an assertion that the type really is what its name promised.

use proc_macro2::Ident;
use quote::ToTokens;
use syn::{GenericArgument, PathArguments, Type as RustType};
use tabellion_sql::schema::Type;

use crate::ast::{PathRef, TypeRef};
use crate::predicate::plain;

/// A field's type, taken apart.
pub(crate) struct FieldType {
    pub(crate) ty: TypeRef,
    /// The type without its `Option`.
    pub(crate) base: RustType,
    pub(crate) nullable: bool,
}

/// Takes `Option` off and reads the rest.
///
/// `stated` is the type that `type = "…"` names: the Rust type is then not read at all.
pub(crate) fn field_type(
    field: &Ident,
    ty: &RustType,
    stated: Option<Type>,
) -> Result<FieldType, syn::Error> {
    let (base, nullable) = match option(ty) {
        Some(inner) => (inner, true),
        None => (ty, false),
    };
    let read = match stated {
        Some(stated) => TypeRef::Stated(stated),
        None => read(base).map_err(|remedy| {
            syn::Error::new_spanned(
                base,
                format!(
                    "no Postgres type for `{}` in field `{}`; {remedy}",
                    display(base),
                    plain(field)
                ),
            )
        })?,
    };
    Ok(FieldType {
        ty: read,
        base: base.clone(),
        nullable,
    })
}

/// The column type of a field whose type we know; `None` for anybody else's.
pub(crate) fn known_type(ty: &RustType) -> Option<Type> {
    match read(ty) {
        Ok(TypeRef::Known(known)) => Some(known),
        _ => None,
    }
}

/// Types of PostgreSQL's own that only Rust types of their own read.
/// Source: <https://www.postgresql.org/docs/15/datatype.html>, without those that [`Type`] has a name for.
const BUILT_IN: [&str; 38] = [
    "bit",
    "box",
    "cid",
    "cidr",
    "circle",
    "datemultirange",
    "daterange",
    "inet",
    "int4multirange",
    "int4range",
    "int8multirange",
    "int8range",
    "interval",
    "json",
    "jsonpath",
    "line",
    "lseg",
    "macaddr",
    "macaddr8",
    "money",
    "name",
    "nummultirange",
    "numrange",
    "oid",
    "path",
    "pg_lsn",
    "point",
    "polygon",
    "timetz",
    "tsmultirange",
    "tsquery",
    "tsrange",
    "tstzmultirange",
    "tstzrange",
    "tsvector",
    "varbit",
    "xid",
    "xml",
];

/// Whether a field whose type holds `own` may be able to read a column of the type `stated`.
pub(crate) fn may_read(own: &Type, stated: &Type) -> bool {
    match (own, stated) {
        (Type::Array(own), Type::Array(stated)) => may_read(own, stated),
        (Type::Text, Type::Named(name)) if name == "name" => true,
        (Type::Jsonb, Type::Named(name)) if name == "json" => true,
        // Its own type with a modifier that has no word, such as `interval(3)`.
        (own, Type::Named(_)) if own.internal_name() == stated.internal_name() => true,
        // A domain or the type of an extension: what reads it is not known here.
        (_, Type::Named(_)) => !BUILT_IN.contains(&stated.internal_name().as_str()),
        _ => false,
    }
}

/// A type as a person writes it, without the spaces that tokens leave.
pub(crate) fn display(ty: &RustType) -> String {
    let text = ty.to_token_stream().to_string();
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == ' ' {
            let joins = |c: char| "<>:,;&[]()".contains(c);
            let before = out
                .chars()
                .last()
                .is_some_and(|b| joins(b) && b != ',' && b != ';');
            let after = chars.peek().is_some_and(|a| joins(*a) && *a != '&');
            if before || after {
                continue;
            }
        }
        out.push(c);
    }
    out
}

fn option(ty: &RustType) -> Option<&RustType> {
    generic(ty, "Option")
}

/// The only type argument of `Name<…>`, whatever path leads to the name.
fn generic<'a>(ty: &'a RustType, name: &str) -> Option<&'a RustType> {
    let RustType::Path(path) = ungrouped(ty) else {
        return None;
    };
    let last = path.path.segments.last()?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return None;
    };
    match arguments.args.first()? {
        GenericArgument::Type(inner) if last.ident == name && arguments.args.len() == 1 => {
            Some(inner)
        }
        _ => None,
    }
}

fn ungrouped(ty: &RustType) -> &RustType {
    match ty {
        RustType::Group(group) => ungrouped(&group.elem),
        RustType::Paren(paren) => ungrouped(&paren.elem),
        _ => ty,
    }
}

const OR_STATE: &str = "name one with `#[column(type = \"...\")]`";
const JSON_OR_STATE: &str = "use `Json<T>` or name one with `#[column(type = \"...\")]`";

/// The type, or the remedy.
fn read(ty: &RustType) -> Result<TypeRef, String> {
    let ty = ungrouped(ty);
    if option(ty).is_some() {
        return Err("remove one `Option`".into());
    }
    if let Some(element) = generic(ty, "Vec") {
        if matches!(ungrouped(element), RustType::Path(path) if path.path.is_ident("u8")) {
            return Ok(TypeRef::Known(Type::Bytea));
        }
        if option(element).is_some() {
            return Err("use `Json<T>`, or leave the NULLs out".into());
        }
        return match read(element)? {
            TypeRef::Known(Type::Array(_)) => {
                Err("use `Json<T>`, since an array of arrays has no fixed shape".into())
            }
            TypeRef::Known(element) => Ok(TypeRef::Known(Type::Array(Box::new(element)))),
            TypeRef::Enum(path) => Ok(TypeRef::EnumArray(path)),
            TypeRef::Stated(_) | TypeRef::EnumArray(_) => Err(JSON_OR_STATE.into()),
        };
    }
    let RustType::Path(path) = ty else {
        return Err(match ty {
            RustType::Reference(_) => "use `String` or another owned type".into(),
            _ => JSON_OR_STATE.into(),
        });
    };
    if path.qself.is_some() {
        return Err(OR_STATE.into());
    }
    let Some(last) = path.path.segments.last() else {
        return Err(OR_STATE.into());
    };
    let name = last.ident.to_string();
    if let Some(bound) = generic(ty, "Range") {
        return range(bound);
    }
    let is_bare = matches!(last.arguments, PathArguments::None);
    if let Some(known) = known(&name, is_bare, &path.path) {
        return Ok(TypeRef::Known(known));
    }
    if path.path.segments.len() == 1
        && is_bare
        && let Some(other) = primitive(&name)
    {
        return Err(other.into());
    }
    if !is_bare {
        return Err(JSON_OR_STATE.into());
    }
    Ok(TypeRef::Enum(PathRef(path.path.clone())))
}

/// The range type over a bound's type.
/// Source: <https://www.postgresql.org/docs/15/rangetypes.html#RANGETYPES-BUILTIN>
fn range(bound: &RustType) -> Result<TypeRef, String> {
    let name = match read(bound)? {
        TypeRef::Known(Type::Int4) => "int4range",
        TypeRef::Known(Type::Int8) => "int8range",
        TypeRef::Known(Type::Numeric(_)) => "numrange",
        TypeRef::Known(Type::Date) => "daterange",
        TypeRef::Known(Type::Timestamp(_)) => "tsrange",
        TypeRef::Known(Type::Timestamptz(_)) => "tstzrange",
        _ => {
            return Err("use a range of `i32`, `i64`, `Decimal`, a date or a timestamp".into());
        }
    };
    Ok(TypeRef::Known(Type::Named(name.to_owned())))
}

fn known(name: &str, is_bare: bool, path: &syn::Path) -> Option<Type> {
    Some(match (name, is_bare) {
        ("bool", true) => Type::Bool,
        ("i16", true) => Type::Int2,
        ("i32", true) => Type::Int4,
        ("i64", true) => Type::Int8,
        ("f32", true) => Type::Float4,
        ("f64", true) => Type::Float8,
        ("String", true) => Type::Text,
        ("Decimal", true) => Type::Numeric(None),
        ("Uuid", true) => Type::Uuid,
        ("Json", _) => Type::Jsonb,
        // Bare, it could be anybody's type of that name.
        ("Value", true)
            if path
                .segments
                .iter()
                .any(|segment| segment.ident == "serde_json") =>
        {
            Type::Jsonb
        }
        ("Timestamp" | "OffsetDateTime", true) | ("DateTime", false) => Type::Timestamptz(None),
        ("DateTime" | "NaiveDateTime" | "PrimitiveDateTime", true) => Type::Timestamp(None),
        ("Date" | "NaiveDate", true) => Type::Date,
        ("Time" | "NaiveTime", true) => Type::Time(None),
        ("Interval", true) => Type::Interval,
        ("IpAddr" | "IpInet" | "IpNet", true) => Type::Named("inet".into()),
        ("IpCidr", true) => Type::Named("cidr".into()),
        ("MacAddr", true) => Type::Named("macaddr".into()),
        ("Tsvector", true) => Type::Named("tsvector".into()),
        ("Vector", true) => Type::Named("vector".into()),
        _ => return None,
    })
}

/// Rust's own types that PostgreSQL has no counterpart for, each with what to use.
fn primitive(name: &str) -> Option<&'static str> {
    Some(match name {
        "u8" | "i8" => "use `i16`",
        "u16" => "use `i32`",
        "u32" | "isize" | "usize" => "use `i64`",
        "u64" | "u128" | "i128" => "use `i64`, or `Decimal` where it does not fit",
        "char" | "str" => "use `String`",
        _ => return None,
    })
}
