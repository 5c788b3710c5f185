//! What the derives write, as a person would format it.

use proc_macro2::TokenStream;
use syn::DeriveInput;
use tabellion_syntax::seen::{Entry, Error, Target};

use crate::seen::Seen;
use crate::{scope, table, text_enum};

fn formatted(tokens: TokenStream) -> String {
    let file = syn::parse2(tokens).expect("an expansion is items");
    let text = prettyplease::unparse(&file);
    // The number is the toolchain's own affair; that it is one number everywhere is ours.
    let number = text
        .lines()
        .find_map(|line| {
            line.trim()
                .strip_prefix("const FINGERPRINT: ::core::primitive::u64 = ")
        })
        .map(|number| number.trim_end_matches(';').to_owned());
    match number {
        Some(number) => text.replace(&number, "OWN_FINGERPRINT"),
        None => text,
    }
}

fn parsed(source: &str) -> DeriveInput {
    syn::parse_str(source).expect("an item")
}

fn expanded(source: &str, seen: impl Fn(&str, &str) -> Seen) -> String {
    formatted(table::expand(&parsed(source), &seen))
}

fn is_reported(text: &str, message: &str) -> bool {
    let mut calls = text.split("::core::compile_error!").skip(1);
    calls.any(|call| {
        call.trim_start_matches([' ', '(', '{', '\n', '"'])
            .starts_with(message)
    })
}

/// Every kind of field, an index, a tenant; outside of every schema.
#[test]
fn a_table() {
    let source = r#"
        #[table(name = "tasks", scope = Shop)]
        #[index(columns(shop, created_at desc), where = status == Status::Draft, finder = "drafts")]
        #[tenant(shop = scope.domain)]
        pub struct Task {
            #[column(primary_key, identity)]
            pub id: i64,
            pub shop: String,
            #[column(default = Status::Draft)]
            pub status: Status,
            pub notes: Option<String>,
            pub created_at: Timestamp,
            #[column(type = "inet")]
            address: Option<Address>,
            #[column(varchar(20))]
            code: String,
            during: Option<Range<Timestamp>>,
            #[column(generated = sql("to_tsvector('english', shop)"))]
            words: Tsvector,
            #[column(updated_at)]
            updated_at: Timestamp,
        }
    "#;
    insta::assert_snapshot!(expanded(source, |_, _| Seen::Detached));
}

/// A table of someone else: no query, no row to write.
#[test]
fn an_external_table() {
    let source = r#"
        #[table(external, schema = "auth", name = "users")]
        #[unique(columns(email))]
        pub struct User {
            #[column(primary_key)]
            pub id: Uuid,
            pub email: Option<String>,
        }
    "#;
    insta::assert_snapshot!(expanded(source, |_, _| Seen::Detached));
}

/// Both ends of a foreign key, and indexes that no query reads along.
#[test]
fn a_table_that_references() {
    let source = r#"
        #[no_rls(reason = "the same for everybody")]
        #[index(name = "lower_name", columns(sql("lower(name)")))]
        #[index(columns(tags), method = gin)]
        #[index(columns(seen nulls_first))]
        #[index(columns(parent), method = hash)]
        #[foreign_key(columns(country, kind), references = Place(country, kind), deferrable = deferred)]
        struct Stay {
            name: String,
            tags: Vec<String>,
            seen: Option<i64>,
            country: String,
            kind: Kind,
            #[column(references = crate::stay::Stay::name)]
            parent: Option<String>,
        }
    "#;
    insta::assert_snapshot!(expanded(source, |_, _| Seen::Detached));
}

/// A key of two columns, names that are key words, no row-level security, and the guard.
#[test]
fn a_guarded_table() {
    let source = r#"
        #[no_rls(reason = "the same for everybody")]
        #[primary_key(columns(country, r#type))]
        struct Rate {
            country: String,
            r#type: i16,
            kinds: Vec<Kind>,
        }
    "#;
    let entry = Entry {
        target: Target::Lib("shop".into()),
        module: "shop::rates".into(),
        fingerprint: 7,
        references: vec![8],
        problem: String::new(),
        unchecked: false,
        errors: Vec::new(),
        warnings: None,
    };
    let text = expanded(source, |ident, table| {
        assert_eq!((ident, table), ("Rate", "rate"));
        Seen::Entries(vec![entry.clone()])
    });
    insta::assert_snapshot!(text);
}

/// A broken table: what is wrong with it, and impls that fail nowhere else.
#[test]
fn a_broken_table() {
    let source = r#"
        #[index(columns(shop), finder = "by_shop")]
        #[index(columns(due))]
        struct Task {
            #[column(primary_key)]
            id: i64,
            shop: String,
            tags: HashMap<String, u8>,
        }
    "#;
    let text = expanded(source, |_, _| panic!("a broken table is not looked up"));
    for message in [
        "no Postgres type for `HashMap<String, u8>` in field `tags`",
        "no column `due` on table `task`",
        "table `task` has no row-level security",
    ] {
        assert!(is_reported(&text, message), "{text}");
    }
    assert!(text.contains("fn by_shop("), "{text}");
    assert!(
        text.contains("AllowsDelete<::tabellion::NoScope> for Task"),
        "{text}"
    );
    assert!(!text.contains("row.get"), "{text}");
}

/// What only the whole schema could tell stands at the field that is to blame.
#[test]
fn a_mistake_of_the_whole_schema() {
    let source = r#"
        #[no_rls(reason = "a test")]
        struct Task {
            #[column(references = User::id)]
            user: i32,
        }
    "#;
    let entry = Entry {
        target: Target::Lib("shop".into()),
        module: "shop".into(),
        fingerprint: 7,
        references: Vec::new(),
        problem: String::new(),
        unchecked: false,
        errors: vec![Error {
            place: Some("user".to_owned()).into(),
            message: "no table for `User`".into(),
        }],
        warnings: None,
    };
    let text = expanded(source, |_, _| Seen::Entries(vec![entry.clone()]));
    assert!(is_reported(&text, "no table for `User`"), "{text}");
    let text = expanded(source, |_, _| Seen::Missing("nothing was emitted".into()));
    assert!(is_reported(&text, "nothing was emitted"), "{text}");
}

#[test]
fn a_scope() {
    let source = r#"
        #[scope(role = "app")]
        pub struct Shop {
            #[setting("app.shop")]
            pub domain: String,
            #[setting("app.user")]
            pub r#type: Uuid,
        }
    "#;
    insta::assert_snapshot!(formatted(scope::expand(&parsed(source))));
}

#[test]
fn a_text_enum() {
    let source = r#"
        pub enum Status {
            Draft,
            #[text("sent out")]
            Sent,
        }
    "#;
    insta::assert_snapshot!(formatted(text_enum::expand(&parsed(source))));
}

/// No item at all makes a derive panic.
#[test]
fn items_that_are_no_tables() {
    let sources = [
        "struct A;",
        "struct A(i32, i64);",
        "struct A {}",
        "enum A {}",
        "enum A { B(i32), C { d: i64 } }",
        "union A { b: i32, c: i64 }",
        "struct A<'a, T, const N: usize> { b: &'a [T; N] }",
        "#[table] #[column] #[index] #[policy] #[tenant] #[no_rls] #[check] #[unique] struct A { b: i32 }",
        "#[table = 1] #[index = 1] #[policy = 1] #[tenant = 1] #[check = 1] struct A { b: i32 }",
        "#[scope] #[setting] #[text] struct A { #[scope] #[setting] #[text] #[column] b: i32 }",
        "#[index(columns(b), finder = \"r#b\")] struct A { #[column(name = \"\")] b: i32 }",
        "#[index(columns(b), finder = \" b \")] #[index(columns(b), finder = \"\")] struct A { b: i32 }",
        "#[text(1)] enum A { #[text] #[text()] #[text(2)] B }",
    ];
    for source in sources {
        let input = parsed(source);
        formatted(table::expand(&input, &|_, _| Seen::Detached));
        formatted(scope::expand(&input));
        formatted(text_enum::expand(&input));
    }
}
