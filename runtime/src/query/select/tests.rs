use super::*;

const fn open() -> &'static str {
    "it's open"
}

static OPEN: Index = Index {
    name: "orders_open",
    finder: "open",
    columns: &[
        ("shop", Order::Ascending),
        ("due", Order::Descending),
        ("id", Order::Descending),
    ],
    predicate: &[Piece::Sql("state = "), Piece::Text(open)],
};
static NULLS: Index = Index {
    name: "orders_nulls",
    finder: "by_shop",
    columns: &[
        ("shop", Order::Ascending),
        ("due", Order::DescendingNullsFirst),
        ("rank", Order::AscendingNullsLast),
        ("id", Order::Ascending),
    ],
    predicate: &[],
};

fn select(index: &'static Index, equal: usize) -> Select {
    Select {
        index: ByAddress(index),
        equal,
        lower: None,
        upper: None,
        after: None,
        reverse: false,
        limited: false,
        wanted: Wanted::Rows,
        nested: 0,
    }
}

fn sql(select: Select) -> String {
    select.sql("public.orders", &["id", "\"Order\""])
}

#[test]
fn a_finder_sends_its_where_the_predicate_and_the_order_of_the_index() {
    let one = Select {
        limited: true,
        ..select(&OPEN, 1)
    };
    assert_eq!(
        sql(one),
        "select id, \"Order\" from public.orders where shop = $1 and (state = 'it''s open') \
         order by due desc, id desc limit $2"
    );
    let two = Select {
        reverse: true,
        ..select(&OPEN, 2)
    };
    assert!(sql(two).ends_with("due = $2 and (state = 'it''s open') order by id"));
    assert!(sql(select(&OPEN, 3)).ends_with("id = $3 and (state = 'it''s open')"));
}

#[test]
fn a_range_stands_between_the_values_and_the_limit() {
    let ranged = Select {
        lower: Some(true),
        upper: Some(false),
        limited: true,
        ..select(&OPEN, 1)
    };
    assert!(
        sql(ranged).contains("shop = $1 and due >= $2 and due < $3 and (state"),
        "{}",
        sql(ranged)
    );
    assert!(sql(ranged).ends_with("limit $4"));
    assert_eq!(ranged.parameters(), ["shop", "due", "due"]);
}

#[test]
fn counting_orders_nothing_and_looking_for_one_row_reads_the_first() {
    let count = Select {
        wanted: Wanted::Count,
        ..select(&NULLS, 1)
    };
    assert_eq!(
        sql(count),
        "select count(*) from public.orders where shop = $1"
    );
    let most = Select {
        limited: true,
        ..count
    };
    assert_eq!(
        sql(most),
        "select count(*) from (select 1 from public.orders where shop = $1 limit $2) found"
    );
    let exists = Select {
        wanted: Wanted::Exists,
        ..most
    };
    assert_eq!(
        sql(exists),
        "select count(*) > 0 from (select 1 from public.orders where shop = $1 \
         order by due desc, rank, id limit $2) found"
    );
}

#[test]
fn nulls_stand_where_the_index_has_them() {
    let forward = sql(select(&NULLS, 1));
    assert!(
        forward.ends_with("order by due desc, rank, id"),
        "{forward}"
    );
    let back = sql(Select {
        reverse: true,
        ..select(&NULLS, 1)
    });
    assert!(back.ends_with("order by due, rank desc, id desc"), "{back}");
}

#[test]
fn behind_a_cursor_is_a_comparison_of_rows_where_it_can_be() {
    let after = Select {
        after: Some(0),
        wanted: Wanted::Page,
        ..select(&OPEN, 1)
    };
    assert!(
        sql(after).contains("select id, \"Order\", due from"),
        "{}",
        sql(after)
    );
    assert!(
        sql(after).contains("and (due, id) < ($2, $3) and"),
        "{}",
        sql(after)
    );
    let back = sql(Select {
        reverse: true,
        ..after
    });
    assert!(back.contains("(due, id) > ($2, $3)"), "{back}");
}

#[test]
fn where_it_cannot_the_index_begins_at_the_first_column() {
    let after = |nulls| {
        sql(Select {
            after: Some(nulls),
            ..select(&NULLS, 1)
        })
    };
    assert!(
        after(0).contains(
            "and due <= $2 and (due < $2 or due = $2 and ((rank > $3 or rank is null) \
             or rank = $3 and (id > $4)))"
        ),
        "{}",
        after(0)
    );
    assert!(
        after(0b11).contains(
            "shop = $1 and (due is not null or due is null and (false or rank is null and (id > $2)))"
        ),
        "{}",
        after(0b11)
    );
}

#[test]
fn many_finders_are_one_statement() {
    let each = Select {
        wanted: Wanted::Each,
        limited: true,
        ..select(&OPEN, 2)
    };
    assert_eq!(
        sql(each),
        "select found.*, wanted.number from unnest(\
         coalesce($1, array(select shop from public.orders where false)), \
         coalesce($2, array(select due from public.orders where false))) \
         with ordinality wanted(v0, v1, number) cross join lateral (\
         select id, \"Order\" from public.orders where shop = wanted.v0 and due = wanted.v1 \
         and (state = 'it''s open') order by id desc limit $3) found"
    );
}
