//! Names that could get in the way: key words, names of the derive's own, odd letters.

use tabellion::{Table, TextEnum};
use tabellion_ui_tests::Shop;

/// Fields named like key words, like what a table has already, like what the derive writes.
#[derive(Table)]
#[table(name = "Odd \"table\"", schema = "Other", scope = Shop)]
#[primary_key(columns(r#type, r#match))]
#[unique(columns(type, self_))]
#[index(columns(match, type desc), finder = "by_match")]
#[index(columns(name), where = r#type > 0, finder = "named")]
#[index(columns(row), finder = "r")]
#[check("sane", r#type >= 0 && name != "")]
#[policy("reads \"all\"", select, using = r#type == 7 && params == scope.domain && row != scope)]
pub struct Odd {
    /// A key word.
    pub r#type: i32,
    /// A key word.
    pub r#match: String,
    /// Nearly a key word.
    pub self_: i64,
    /// Also a constant of every table.
    pub name: String,
    /// Also a constant of every table.
    pub columns: Option<String>,
    /// Also a constant of every table.
    pub info: Option<String>,
    /// Also a constant of every table.
    pub fingerprint: Option<String>,
    /// Also a function of every table.
    pub find: Option<String>,
    /// Also a function of every table.
    pub insert: Option<String>,
    /// A parameter in what the derive writes.
    pub row: String,
    /// A parameter in what the derive writes.
    pub params: String,
    /// The word for who asks.
    pub scope: String,
    /// A local in what the derive writes.
    pub part0: Option<String>,
    /// A local in what the derive writes.
    #[column(name = "index")]
    pub it: Option<String>,
    /// Not of this alphabet.
    pub größe: Option<i32>,
}

/// A raw name.
#[derive(Table)]
#[table(name = "loops", scope = Shop)]
#[tenant(yield = scope.domain)]
#[allow(non_camel_case_types, non_snake_case)]
pub struct r#loop {
    /// A key word.
    #[column(primary_key)]
    pub r#yield: String,
    /// The tenant's, by its plain name.
    pub CamelCase: Option<String>,
}

/// Raw variants.
#[derive(TextEnum)]
#[allow(non_camel_case_types)]
pub enum Word {
    /// A key word.
    r#if,
    /// A key word.
    r#else,
}

pub(crate) fn check() {
    assert_eq!(<Odd as Table>::NAME, "\"Other\".\"Odd \"\"table\"\"\"");
    assert_eq!(<r#loop as Table>::COLUMNS, ["yield", "\"CamelCase\""]);
    assert_eq!(Word::VARIANTS, ["if", "else"]);
    let _ = (Odd::TYPE, Odd::NAME, Odd::GRÖSSE, r#loop::CAMELCASE);
    let _ = (Odd::by_match("x"), Odd::named("y"), Odd::r("z"));
}
