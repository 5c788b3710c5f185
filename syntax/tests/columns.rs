//! What the attributes of a field become: the column's SQL, and what is said of its earlier names.

mod common;

use tabellion_sql::schema::Platform;
use tabellion_syntax::{Report, lower, table};

#[test]
fn every_option_of_a_column_reaches_the_sql() {
    let source = r#"
        #[derive(Table)]
        #[no_rls(reason = "a test")]
        struct Item {
            #[column(varchar(20), collate = "C")]
            code: String,
            #[column(varchar(3))]
            tags: Vec<String>,
            #[column(char(2), default = "CH")]
            country: String,
            #[column(numeric(8, 2))]
            price: Decimal,
            quantity: i32,
            #[column(numeric(12, 2), generated = sql("price * quantity"))]
            total: Option<Decimal>,
            #[column(precision(3), updated_at)]
            changed: Timestamp,
            #[column(vector(384))]
            embedding: Option<Vector>,
            #[column(type = "citext")]
            email: String,
            every: Interval,
            address: IpAddr,
            network: Option<IpCidr>,
            device: MacAddr,
            during: Range<Timestamp>,
            seats: Vec<Range<i32>>,
        }
    "#;
    let sql = common::sql(source, Platform::Postgres).expect("it is right");
    let table = sql.split("create table public.item (").nth(1);
    let columns = table.and_then(|rest| rest.split("\n);").next());
    let expected = r#"
  code varchar(20) collate "C" not null,
  tags varchar(3)[] not null,
  country char(2) not null default 'CH',
  price numeric(8, 2) not null,
  quantity integer not null,
  total numeric(12, 2) generated always as (price * quantity) stored,
  changed timestamptz(3) not null default now(),
  embedding vector(384),
  email citext not null,
  every interval not null,
  address inet not null,
  network cidr,
  device macaddr not null,
  during tstzrange not null,
  seats int4range[] not null"#;
    assert_eq!(columns, Some(expected), "{sql}");
    assert!(sql.contains("create trigger"), "{sql}");
}

#[test]
fn a_tenant_of_limited_text_is_guarded_and_indexed_like_any_other() {
    let source = r#"
        #[derive(Scope)]
        #[scope(role = "app")]
        struct Who {
            #[setting("app.who")]
            name: String,
        }

        #[derive(Table)]
        #[table(scope = Who)]
        #[policy("a", select, using = short == scope.name)]
        #[policy("b", delete, using = fixed == scope.name)]
        struct Item {
            #[column(varchar(20))]
            short: String,
            #[column(char(2))]
            fixed: String,
        }
    "#;
    let sql = common::sql(source, Platform::Postgres).expect("it is right");
    for predicate in [
        "(short = (select current_setting('app.who', true)) and short > '')",
        "(fixed = (select current_setting('app.who', true))::bpchar and fixed > '')",
    ] {
        assert!(sql.contains(predicate), "{predicate} is not in\n{sql}");
    }
}

#[test]
fn a_text_equals_a_setting_in_the_form_that_its_index_serves() {
    let source = r#"
        #[derive(Scope)]
        #[scope(role = "app")]
        struct Who {
            #[setting("app.who")]
            name: String,
        }

        #[derive(Table)]
        #[table(scope = Who)]
        #[index(columns(fixed))]
        #[policy("own", select, using = fixed == scope.name)]
        struct Member {
            #[column(primary_key)]
            shop: String,
            #[column(char(2))]
            fixed: String,
        }

        #[derive(Table)]
        #[table(scope = Who)]
        #[index(columns(short, tags), method = gin)]
        #[policy("a", select, using = short == scope.name)]
        #[policy("b", delete, using = fixed.is_in([scope.name]))]
        #[policy("c", insert, check = exists(Member, |m| m.shop == shop && m.fixed == scope.name))]
        struct Item {
            shop: String,
            short: String,
            #[column(char(2))]
            fixed: String,
            tags: Vec<String>,
        }
    "#;
    let sql = common::sql(source, Platform::Postgres).expect("it is right");
    let who = "(select current_setting('app.who', true))";
    for predicate in [
        // btree_gin knows `>`, for which it reads all keys, and not `<>`.
        format!("(short = {who} and short <> '')"),
        format!("(fixed = {who}::bpchar and fixed > '')"),
        format!("where m.fixed = {who}::bpchar and m.fixed > ''))"),
    ] {
        assert!(sql.contains(&predicate), "{predicate} is not in\n{sql}");
    }
}

#[test]
fn earlier_names_are_beside_the_schema() {
    let source = r#"
        #[no_rls(reason = "a test")]
        #[partition_by(list(cost))]
        #[partition(name = "cheap", values(1), renamed_from = "low")]
        struct Item {
            #[column(renamed_from = "label")]
            title: String,
            #[column(name = "Kind", renamed_from = "type")]
            kind: String,
            #[column(replaces = "price")]
            cost: i64,
        }
    "#;
    let mut report = Report::default();
    let input = syn::parse_str(source).expect("a struct");
    let table = table(&input, &mut report).expect("a table");
    assert!(report.is_empty());
    let renames = lower::renames(&table);
    let pairs = |map: &std::collections::BTreeMap<String, String>| {
        let pairs = map.iter().map(|(a, b)| format!("{b} -> {a}"));
        pairs.collect::<Vec<_>>().join(", ")
    };
    assert_eq!(pairs(&renames.columns), "type -> Kind, label -> title");
    assert_eq!(pairs(&renames.replaced_columns), "price -> cost");
    assert_eq!(pairs(&renames.partitions), "low -> cheap");
    assert_eq!((renames.from, renames.replaces), (None, None));
}
