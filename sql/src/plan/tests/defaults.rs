//! What a column's default does to who may write which rows.

use super::access::{may, of_access};
use super::*;

/// A role that may insert into those columns of the table, or all of it, what a check lets through.
fn adds(columns: &[&str], check: &str) -> Table {
    let read = ["shop", "level", "tag", "made"];
    let read = read.into_iter().filter(|name| check.contains(name));
    let insert = Policy {
        command: Some(Command::Insert),
        restrictive: false,
        roles: BTreeSet::from(["app".to_owned()]),
        using: None,
        check: Some(Expr::new(check, read)),
    };
    Table {
        rls: Rls::Enabled(BTreeMap::from([("add".to_owned(), insert)])),
        ..may(Command::Insert, columns)
    }
}

#[test]
fn a_default_that_a_role_may_not_write_opens_and_closes_like_a_check() {
    let told = |check: &str, columns: &[&str], (old, new): (Option<&str>, Option<&str>)| {
        let side = |default: Option<&str>| {
            let mut table = adds(columns, check);
            table.columns[1].default = default.map(str::to_owned);
            table
        };
        of_access(&side(old), &side(new))
    };
    let object = "access: policy add on public.notes: insert by app";
    let own = "shop = (select current_setting('app.shop', true)) and shop > '' and level = 1";
    let shop: &[&str] = &["shop"];
    let wider = told(own, shop, (Some("0"), Some("1")));
    assert_eq!(wider.len(), 1, "{wider:?}");
    let now = format!("widens-{object} now writes the row (");
    assert!(wider[0].starts_with(&now), "{wider:?}");
    let narrower = told(own, shop, (Some("1"), Some("0")));
    assert_eq!(narrower.len(), 1, "{narrower:?}");
    let before = format!("narrows-{object} no longer writes the row (");
    assert!(narrower[0].starts_with(&before), "{narrower:?}");
    assert_eq!(told(own, shop, (Some("0"), Some("2"))), [""; 0]);
    assert_eq!(told(own, shop, (None, Some("2"))), [""; 0]);
    assert_eq!(told(own, shop, (None, Some("1"))).len(), 1);
    assert_eq!(told("level is null", shop, (Some("1"), None)).len(), 1);
    let either = "level > 0 or shop = 'x'";
    let sum = told(either, shop, (Some("0"), Some("(1 + 1) * 2")));
    assert!(sum[0].starts_with("widens-access: "), "{sum:?}");
    // What is computed anew for each row may be anything.
    let random = (Some("0"), Some("(random() * 9)::int"));
    let random = told(own, shop, random);
    assert!(random[0].starts_with("widens-access: "), "{random:?}");
    // Whoever may write the column needs no default; a check that does not read it asks nothing of it.
    for all in [&["shop", "level"] as &[&str], &[]] {
        assert_eq!(told(own, all, (Some("0"), Some("1"))), [""; 0]);
    }
}

#[test]
fn a_default_that_its_type_rounds_is_what_the_column_holds() {
    for (ty, check, default) in [
        (Type::Float4, "level = 0.1::real", "0.1"),
        (Type::Int4, "level = 2", "1.5"),
        (Type::Numeric(Some((5, 1))), "level = 0.2", "0.15"),
    ] {
        let side = |default: &str| {
            let mut table = adds(&["shop"], check);
            table.columns[1].ty = ty.clone();
            table.columns[1].default = Some(default.to_owned());
            table
        };
        let told = of_access(&side("7"), &side(default));
        let is_wider = |told: &String| told.starts_with("widens-access: policy add");
        assert!(told.iter().any(is_wider), "{ty}: {told:?}");
    }
}

#[test]
fn a_default_that_may_be_null_opens_a_check_for_null() {
    let told = |check: &str, (old, new): (&str, &str)| {
        let side = |default: &str| {
            let mut table = adds(&["shop"], check);
            table.columns.push(Column {
                nullable: true,
                default: Some(default.to_owned()),
                ..Column::new("tag", Type::Text)
            });
            table
        };
        of_access(&side(old), &side(new))
    };
    let object = "access: policy add on public.notes: ";
    let is_told = |check: &str, defaults: (&str, &str), kind: &str| {
        let told = told(check, defaults);
        let is_told = |told: &String| told.starts_with(&format!("{kind}-{object}"));
        assert!(told.iter().any(is_told), "{check}, {defaults:?}: {told:?}");
    };
    let absent = "nullif(current_setting('app.tag', true), '')";
    for default in [absent, "current_schema", "null", "lower(null)"] {
        is_told("tag is null", ("'none'", default), "widens");
        is_told("shop = 'x' and tag is null", ("'none'", default), "widens");
        is_told("tag is not null", (default, "'none'"), "widens");
    }
    is_told("tag is null", (absent, "'none'"), "narrows");
    assert_eq!(told("tag is null", ("'none'", "'other'")), [""; 0]);
    assert_eq!(told("tag is null", (absent, absent)), [""; 0]);
}

#[test]
fn a_default_opens_a_check_that_reads_it_through_a_generated_column() {
    let told = |(ty, computed): (Type, &str), check: &str, (old, new): (&str, &str)| {
        let side = |default: &str| {
            let mut table = adds(&["shop"], check);
            table.columns[1].default = Some(default.to_owned());
            table.columns.push(Column {
                computed: Some(Expr::new(computed, ["level"])),
                ..Column::new("made", ty.clone())
            });
            table
        };
        of_access(&side(old), &side(new))
    };
    let object = "access: policy add on public.notes: insert by app";
    let open = || (Type::Bool, "level = 1");
    let check = "shop = 'x' and made = true";
    let row = "writes the row (level = 1, made = true, shop = 'x')";
    assert_eq!(
        told(open(), check, ("0", "1")),
        [format!("widens-{object} now {row}")]
    );
    assert_eq!(
        told(open(), check, ("1", "0")),
        [format!("narrows-{object} no longer {row}")]
    );
    assert_eq!(told(open(), check, ("0", "2")), [""; 0]);
    // What is not taken apart may be anything.
    for opaque in [(Type::Int4, "abs(level)"), (Type::Int4, "own(level)")] {
        let told = told(opaque, "made = 1", ("0", "1"));
        let is_wider = |told: &String| told.starts_with("widens-access: policy add ");
        assert!(told.iter().any(is_wider), "{told:?}");
    }
    assert_eq!(told(open(), "shop = 'x'", ("0", "1")), [""; 0]);
}
