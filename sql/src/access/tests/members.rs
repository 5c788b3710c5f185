//! What the columns of another table are, which a membership reads.

use std::collections::BTreeMap;

use super::*;
use crate::schema::QualifiedName;

fn column(name: &str, ty: Type, nullable: bool) -> Column {
    Column {
        nullable,
        ..Column::new(name, ty)
    }
}

fn members() -> Vec<Column> {
    vec![
        column("shop", Type::Text, false),
        column("role", Type::Text, true),
        column("level", Type::Int4, true),
        column("rank", Type::Int4, false),
        column("since", Type::Timestamptz(None), false),
        column("word", Type::Named("citext".to_owned()), false),
        column("Odd \"name", Type::Text, false),
        Column {
            collation: Some("any_case".to_owned()),
            ..column("any_case", Type::Text, false)
        },
        Column {
            collation: Some("C".to_owned()),
            ..column("code", Type::Text, false)
        },
    ]
}

fn schema(members: Vec<Column>) -> Schema {
    let of = |columns| Table {
        columns,
        ..Table::new("shop::Member")
    };
    let owners = vec![column("id", Type::Int4, false)];
    let tables = [("members", members), ("owners", owners)];
    let tables = tables.map(|(name, columns)| (QualifiedName::new("public", name), of(columns)));
    Schema {
        tables: BTreeMap::from(tables),
        ..Schema::default()
    }
}

/// Whether a change is said to let a row through, and to take one away; both where nothing is told.
fn between(old: &str, new: &str, sides: [Vec<Column>; 2]) -> (bool, bool) {
    let (notes, [from, to]) = (table(), sides.map(schema));
    let (old, new) = (Expr::new(old, ["shop"]), Expr::new(new, ["shop"]));
    let found = difference((Some(&old), &notes, &from), (Some(&new), &notes, &to));
    found.map_or((true, true), |it| {
        (it.wider.is_some(), it.narrower.is_some())
    })
}

fn of(conditions: &str) -> String {
    format!("shop = any (array(select m.shop from public.members m where {conditions}))")
}

/// The same of memberships under such conditions.
fn said(old: &str, new: &str) -> (bool, bool) {
    between(&of(old), &of(new), [members(), members()])
}

const USER: &str = "m.shop = (select current_setting('app.user', true)) and m.shop > ''";

#[test]
fn the_columns_of_members_have_their_types() {
    for (wide, narrow) in [
        ("m.role <> 'guest'", "m.role = 'admin'"),
        ("m.role <> 'guest'", "m.\"role\" in ('admin', 'owner')"),
        ("m.role <> 'guest'", "M.Role = 'admin' and m.level = 1"),
        ("m.role is not null", "m.role = 'admin'"),
        ("m.\"Odd \"\"name\" <> 'a'", "m.\"Odd \"\"name\" = 'b'"),
        ("m.level > 2", "m.level >= 4"),
        ("m.level > 2", "m.level between 4 and 5"),
        ("m.level not between 4 and 5", "m.level = 1"),
        ("m.level <> 4 or m.level is null", "m.level is null"),
        (
            "m.level <> 4 or m.level is null",
            "m.level < 4 or m.level is null",
        ),
        ("m.since > '2024-1-1'", "m.since > '2024-02-01 00:00:00'"),
        ("m.rank > m.level", "m.rank > m.level and m.level > 1"),
        ("m.rank <> m.level", "m.rank > m.level"),
        ("lower(m.role) <> 'guest'", "lower(m.role) = 'admin'"),
    ] {
        let (wide, narrow) = (wide.to_owned(), narrow.to_owned());
        let bracketed = |of: &str| match of.contains(" or ") {
            true => format!("({of})"),
            false => of.to_owned(),
        };
        let (wide, narrow) = (bracketed(&wide), bracketed(&narrow));
        assert_eq!(said(&wide, &narrow), (false, true), "{wide} → {narrow}");
        assert_eq!(said(&narrow, &wide), (true, false), "{narrow} → {wide}");
        // Beside what a setting says.
        let own = |of: &str| format!("{USER} and {of}");
        let (wide, narrow) = (own(&wide), own(&narrow));
        assert_eq!(said(&wide, &narrow), (false, true), "{wide} → {narrow}");
        assert_eq!(said(&narrow, &wide), (true, false), "{narrow} → {wide}");
    }
    // Not null, it is one or the other.
    let sides = || [members(), members()];
    let (any, every) = (
        "shop = any (array(select m.shop from public.members m))",
        of("(m.rank > 1 or m.rank <= 1)"),
    );
    assert_eq!(between(any, &every, sides()), (false, false));
    assert_eq!(said("m.rank = 1", "m.level = 1"), (true, true));
}

#[test]
fn what_the_columns_of_members_do_not_tell_may_be_anything() {
    for (old, new) in [
        // Two spellings may be one value.
        ("m.word <> 'guest'", "m.word = 'admin'"),
        ("m.any_case <> 'guest'", "m.any_case = 'admin'"),
        // What is NULL is neither.
        ("m.role <> 'guest'", "(m.role = 'admin' or m.role is null)"),
        (
            "(m.level > 1 or m.level <= 1)",
            "(m.level > 1 or m.level <= 1 or m.level is null)",
        ),
        // No column of theirs: the row in question has it, or nobody knows who.
        ("role <> 'guest'", "role = 'admin'"),
        ("notes.role <> 'guest'", "notes.role = 'admin'"),
        ("m.other <> 'guest'", "m.other = 'admin'"),
        // Another value in each place.
        ("m.role <> 'guest'", "m.role = own.role()"),
        (
            "m.role <> 'guest'",
            "m.role = (select current_setting('app.role', true))",
        ),
        ("m.role > 'guest'", "m.role > 'host'"),
    ] {
        assert!(said(old, new).0, "{old} → {new}");
    }
    // Another table's column, and one of another name for the rows.
    let joined = |condition: &str| {
        format!(
            "shop = any (array(select m.shop from public.members m join public.owners o on o.id = m.rank where \
             {condition}))"
        )
    };
    let sides = || [members(), members()];
    let told = |old: &str, new: &str| between(&joined(old), &joined(new), sides());
    assert_eq!(told("o.id > 1", "o.id > 2 and m.rank > 2"), (false, true));
    assert_eq!(told("o.id > 1", "m.rank > 2"), (true, true));
    // Nobody knows where an unqualified name leads; `members` is another table in another schema.
    for table in [
        "members",
        "own.members",
        "public.guests",
        "x.public.members",
    ] {
        let at = |condition| of(condition).replace("public.members", table);
        let (old, new) = (at("m.role <> 'guest'"), at("m.role = 'admin'"));
        assert!(between(&old, &new, sides()).0, "{table}");
    }
    let at = |condition| of(condition).replace("public.members", "\"public\" . Members as");
    let (old, new) = (at("m.role <> 'guest'"), at("m.role = 'admin'"));
    assert_eq!(between(&old, &new, sides()), (false, true));
    // What is called like the rows elsewhere.
    let shadowed = "exists (select 1 from public.owners m where m.level <> 4)";
    assert!(said(shadowed, &shadowed.replace("<> 4", "= 5")).0);
}

#[test]
fn a_column_of_members_that_changes_may_be_anything() {
    let (old, new) = (of("m.role <> 'guest'"), of("m.role = 'admin'"));
    let with = |change: &dyn Fn(&mut Column)| {
        let mut members = members();
        change(&mut members[1]);
        members
    };
    let changes: [&dyn Fn(&mut Column); 3] = [
        &|role| role.ty = Type::Named("citext".into()),
        &|role| role.collation = Some("any_case".into()),
        &|role| role.name = "title".into(),
    ];
    for change in changes {
        assert!(between(&old, &new, [with(change), members()]).0);
        assert!(between(&old, &new, [members(), with(change)]).0);
        assert!(between(&old, &new, [with(change), with(change)]).0);
    }
    assert!(between(&old, &new, [members(), Vec::new()]).0);
    // What may be NULL on one side may be NULL.
    let (any, some) = (
        "shop = any (array(select m.shop from public.members m))",
        of("(m.rank > 1 or m.rank <= 1)"),
    );
    let mut nullable = members();
    nullable[3].nullable = true;
    for sides in [[members(), nullable.clone()], [nullable, members()]] {
        assert_eq!(between(&some, any, sides), (true, false));
    }
}

#[test]
fn a_list_with_not_is_none_without() {
    for column in ["role", "word", "any_case", "unknown"] {
        let (many, few) = (
            of(&format!("m.{column} not in ('a', 'b')")),
            of(&format!("m.{column} not in ('a')")),
        );
        assert!(between(&many, &few, [members(), members()]).0, "{column}");
        let (many, few) = (
            of(&format!("not m.{column} in ('a', 'b')")),
            of(&format!("not m.{column} = 'a'")),
        );
        assert!(between(&many, &few, [members(), members()]).0, "{column}");
    }
    let (many, few) = (of("m.word in ('a', 'b')"), of("m.word in ('a')"));
    assert_eq!(between(&many, &few, [members(), members()]), (false, true));
}

#[test]
fn what_is_a_column_on_one_side_alone_may_be_a_function_on_the_other() {
    let mut more = members();
    more.push(column("count", Type::Int8, false));
    let counted = "not top = any (array(select m.count from public.members m where m.level = 1))";
    let notes = table();
    let told = |old: &str, new: &str| {
        let read = |sql: &str| Expr {
            tables: BTreeSet::from([QualifiedName::new("public", "members").into()]),
            ..Expr::new(sql, ["top", "done"])
        };
        let (from, to) = (schema(members()), schema(more.clone()));
        difference(
            (Some(&read(old)), &notes, &from),
            (Some(&read(new)), &notes, &to),
        )
    };
    let undecided = Err(Undecided::Column("count".to_owned()));
    assert_eq!(told(counted, &format!("{counted} and done")), undecided);
    let level = counted.replace("m.count", "m.level");
    assert!(told(&level, &format!("{level} and done")).is_ok_and(|it| it.wider.is_none()));
}
