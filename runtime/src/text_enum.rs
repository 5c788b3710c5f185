//! Enumerations that are TEXT and a CHECK in the database.

use tokio_postgres::types::{FromSql, Type};

/// An enumeration of texts. Implemented by `#[derive(TextEnum)]`, together with the
/// conversion that `text_enum_sql!` writes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a text enumeration",
    note = "add `#[derive(tabellion::TextEnum)]` to `{Self}`"
)]
pub trait TextEnum: Sized + 'static {
    /// The texts of all variants, in their order.
    const VARIANTS: &'static [&'static str];

    /// What the derive read of the enum, for the guard.
    #[doc(hidden)]
    const FINGERPRINT: u64 = 0;

    /// The text of this variant.
    fn as_str(&self) -> &'static str;

    /// The variant of that text.
    fn from_text(text: &str) -> Option<Self>;
}

/// The database holds a text that no variant has. Says nothing of the text.
#[derive(Debug, thiserror::Error)]
#[error("no variant has this text")]
pub(crate) struct UnknownText;

/// Reads a text and looks its variant up.
#[doc(hidden)]
pub fn from_sql<E: TextEnum>(
    ty: &Type,
    raw: &[u8],
) -> Result<E, Box<dyn std::error::Error + Send + Sync>> {
    let text = <&str>::from_sql(ty, raw)?;
    E::from_text(text).ok_or_else(|| UnknownText.into())
}

/// How a [`TextEnum`] is read: from its text. How one is sent is a [`crate::types::Param`].
#[doc(hidden)]
#[macro_export]
macro_rules! text_enum_sql {
    ($name:ty) => {
        #[diagnostic::do_not_recommend]
        impl $crate::types::EnumField for $name {
            const FINGERPRINT: ::core::primitive::u64 = <$name as $crate::TextEnum>::FINGERPRINT;
            $crate::field_methods!();
        }
        impl<'a> $crate::__private::FromSql<'a> for $name {
            fn from_sql(
                ty: &$crate::__private::Type,
                raw: &'a [u8],
            ) -> $crate::__private::ConversionResult<Self> {
                $crate::__private::text_enum_from_sql(ty, raw)
            }
            fn accepts(ty: &$crate::__private::Type) -> bool {
                <&str as $crate::__private::FromSql<'_>>::accepts(ty)
            }
        }
    };
}
