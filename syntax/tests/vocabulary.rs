//! What can be said of a table beyond its columns: as SQL, and what is wrong with it.

mod common;

use tabellion_sql::schema::Platform;

const SOURCE: &str = r#"
    #[derive(Scope)]
    #[scope(role = "app")]
    struct Shop {
        #[setting("app.shop")]
        domain: String,
    }

    #[derive(TextEnum)]
    enum Status { Draft, Out }

    /// Whoever logs in.
    #[derive(Table)]
    #[table(external, schema = "auth", name = "users")]
    #[unique(columns(email))]
    struct User {
        #[column(primary_key)]
        id: Uuid,
        email: Option<String>,
    }

    /// A room.
    #[derive(Table)]
    #[table(scope = Shop)]
    #[tenant(shop = scope.domain)]
    #[primary_key(columns(shop, number))]
    #[unique(columns(shop, code), nulls_not_distinct)]
    #[unique(columns(number, floor), name = "placed", deferrable = deferred)]
    #[index(name = "room_lower", columns(sql("lower(code)") opclass("text_pattern_ops"), floor desc nulls_last))]
    #[index(columns(tags), method = gin, with(fastupdate = false))]
    #[index(columns(code collate("C")), include(floor), unique, nulls_not_distinct, where = status != Status::Draft)]
    struct Room {
        shop: String,
        number: i64,
        floor: Option<i32>,
        code: Option<String>,
        tags: Vec<String>,
        status: Status,
    }

    /// A stay in a room.
    #[derive(Table)]
    #[table(scope = Shop)]
    #[tenant(shop = scope.domain)]
    #[foreign_key(columns(shop, room), references = Room(shop, number), on_delete = set_null(room),
                  on_update = cascade, deferrable = deferred)]
    #[exclude(elements(shop with "=", room with "=", during with "&&"), where = status == Status::Out,
              deferrable = immediate)]
    struct Stay {
        #[column(primary_key, identity)]
        id: i64,
        shop: String,
        room: Option<i64>,
        #[column(type = "tstzrange")]
        during: Span,
        status: Status,
        #[column(references = User::id, on_delete = cascade)]
        guest: Uuid,
    }

    /// What happened.
    #[derive(Table)]
    #[table(scope = Shop)]
    #[tenant(shop = scope.domain)]
    #[partition_by(range(day, part))]
    #[partition(name = "event_old", from(minvalue, minvalue), to("2026-01-01", 0))]
    #[partition(name = "event_2026", from("2026-01-01", 0), to("2027-01-01", 0))]
    #[partition(name = "event_rest", default)]
    #[primary_key(columns(day, part, id))]
    struct Event {
        id: i64,
        part: i32,
        day: Date,
        shop: String,
    }

    #[derive(Table)]
    #[policy(deny_all)]
    #[partition_by(list(region))]
    #[partition(name = "sale_eu", values("de", "fr", null))]
    #[partition(name = "sale_us", values("us"))]
    struct Sale { region: Option<String> }

    #[derive(Table)]
    #[policy(deny_all)]
    #[partition_by(hash(id))]
    #[partition(name = "load_0", hash(modulus = 2, remainder = 0))]
    #[partition(name = "load_1", hash(modulus = 2, remainder = 1))]
    struct Load { id: Uuid }
"#;

#[test]
fn the_vocabulary_of_a_table() {
    insta::assert_snapshot!(common::sql(SOURCE, Platform::Postgres).unwrap());
}

/// What is wrong with a table of these attributes.
fn mistakes(attributes: &str) -> Vec<String> {
    let source = format!(
        "#[derive(Table)] #[policy(deny_all)] {attributes} struct Note {{
            id: i64, shop: String, title: String, tags: Vec<String>, seen: Option<i64>, day: Date,
            #[column(type = \"json\")] extra: Extra,
        }}"
    );
    let found = common::sql(&source, Platform::Postgres);
    let lines = found.err().unwrap_or_default();
    lines.lines().map(str::to_owned).collect()
}

#[test]
fn what_postgresql_refuses_of_an_index() {
    for (attribute, message) in [
        (
            "columns(id), method = gni",
            "no access method `gni`; use `btree`, `hash`, `gist`, `spgist`, `gin`, `brin`, `ivfflat`, `hnsw`, \
             `bloom`, or name another one as `method = \"...\"`",
        ),
        (
            "columns(id), method = \"gin\"",
            "this access method is a word; write `method = gin`",
        ),
        (
            "columns(tags), method = gin, unique",
            "index `note_tags_idx` is `gin`, and only `btree` can be unique; remove `unique` or `method`",
        ),
        (
            "columns(tags), method = gin, include(id)",
            "index `note_tags_idx` is `gin`, which carries no other columns; remove `include`",
        ),
        (
            "columns(tags desc), method = gin",
            "index `note_tags_idx` is `gin`, so it keeps no order; remove `desc`",
        ),
        (
            "columns(seen nulls_first), method = brin",
            "index `note_seen_idx` is `brin`, so it keeps no order; remove `nulls_first`",
        ),
        (
            "columns(id, shop), method = hash",
            "index `note_id_shop_idx` is `hash`, which holds one column; give this one an index of its own",
        ),
        (
            "columns(id), nulls_not_distinct",
            "index `note_id_idx` is not unique, so no two NULLs meet in it; add `unique`",
        ),
        (
            "columns(seen nulls_last)",
            "`nulls_last` is where NULLs stand in this order anyway; remove it",
        ),
        (
            "columns(id nulls_first)",
            "column `id` is NOT NULL, so no NULL has a place in index `note_id_idx`; remove `nulls_first`",
        ),
        (
            "columns(seen desc nulls_last nulls_last)",
            "`nulls_last` and what stands before it speak of one thing; keep one",
        ),
        (
            "columns(title opclass(text_pattern_ops))",
            "`opclass` needs a name; write `opclass(\"...\")`",
        ),
        (
            "columns(title collate)",
            "`collate` needs a name; write `collate(\"...\")`",
        ),
        (
            "columns(sql(\"lower(title)\"))",
            "what holds an expression needs a name of its own; add `name = \"...\"`",
        ),
        (
            "name = \"i\", columns(sql(\"lower(titel)\"))",
            "index `i`: no column `titel` on table `note`; a column with a similar name exists: `title`",
        ),
        (
            "name = \"i\", columns(sql(\"title\"))",
            "index `i` holds a column as an expression; write the field's name",
        ),
        (
            "name = \"i\", columns(sql(\"1 + 1\"))",
            "index `i` holds an expression that reads no column; name one",
        ),
        (
            "name = \"i\", columns(sql(\"(select 1)\"))",
            "index `i` cannot hold a subquery; only a policy can",
        ),
        (
            "name = \"i\", columns(sql(\"lower(title)\")), finder = \"lower\"",
            "index `i` has no finder, since it holds an expression; remove `finder`",
        ),
        (
            "columns(tags), method = gin, finder = \"tagged\"",
            "index `note_tags_idx` has no finder, since `gin` finds no rows by equal columns; remove `finder`",
        ),
        (
            "columns(id), include(id)",
            "column `id` stands twice in index `note_id_idx`; remove one",
        ),
        ("columns(id), include(nr)", "no column `nr` on table `note`"),
        (
            "columns(id), with(fillfactor = 5)",
            "`fillfactor` does not fit; use a number from 10 to 100",
        ),
        (
            "columns(id), with(lists = 5)",
            "no parameter `lists` of a `btree` index; use `fillfactor` or `deduplicate_items`",
        ),
        (
            "columns(tags), method = gin, with(fastupdate = 1)",
            "`fastupdate` does not fit; use `true` or `false`",
        ),
        (
            "columns(id), with(fillfactor = 50, fillfactor = 60)",
            "`fillfactor` is given twice; remove one",
        ),
        (
            "columns(id), with(fillfactor)",
            "`fillfactor` needs a value; write `fillfactor = ...`",
        ),
    ] {
        assert_eq!(
            mistakes(&format!("#[index({attribute})]")),
            [message],
            "{attribute}"
        );
    }
}

#[test]
fn what_postgresql_refuses_of_an_exclusion_constraint() {
    for (attribute, message) in [
        (
            "name = \"x\"",
            "`#[exclude]` compares nothing; write `elements(room with \"=\", during with \"&&\")`",
        ),
        (
            "elements(id)",
            "an element needs its operator; write `field with \"=\"`",
        ),
        (
            "elements(id with \"<\")",
            "exclusion constraint `note_id_excl` compares with `<`, whose sides cannot change places; use one \
             such as `=` or `&&`",
        ),
        (
            "elements(id with \"= 1 --\")",
            "`= 1 --` is no operator; write one such as `=` or `&&`",
        ),
        (
            "elements(id with \"&&\"), method = btree",
            "exclusion constraint `note_id_excl` is `btree`, which knows no operator `&&`; use `=`, or \
             `method = gist`",
        ),
        (
            "elements(tags with \"&&\"), method = gin",
            "exclusion constraint `note_tags_excl` is `gin`, which finds no single rows to compare; use \
             `gist`, `spgist`, `btree` or `hash`",
        ),
        (
            "elements(seen desc with \"=\")",
            "exclusion constraint `note_seen_excl` only compares, so it keeps no order; remove `desc`",
        ),
        ("elements(nr with \"=\")", "no column `nr` on table `note`"),
    ] {
        assert_eq!(
            mistakes(&format!("#[exclude({attribute})]")),
            [message],
            "{attribute}"
        );
    }
}

#[test]
fn what_postgresql_refuses_of_a_foreign_key() {
    for (attribute, message) in [
        (
            "on_delete = set_null(day)",
            "column `day` is not in foreign key `note_id_seen_fkey`, whose columns alone an action touches; \
             name one of them",
        ),
        (
            "on_delete = set_null(id)",
            "`set_null` would put NULL into column `id`, which is NOT NULL; make the field an `Option`, or use \
             another action",
        ),
        (
            "on_update = set_null",
            "`set_null` would put NULL into column `id`, which is NOT NULL; make the field an `Option`, or use \
             another action",
        ),
        (
            "on_update = set_null(seen)",
            "only `on_delete` takes columns, and an update touches all; remove the list",
        ),
        (
            "on_delete = cascade(seen)",
            "`cascade` touches no column by itself; write `cascade`",
        ),
        (
            "on_delete = set_null()",
            "`set_null(...)` names fields; write `set_null` or `set_null(field)`",
        ),
        (
            "deferrable",
            "`deferrable` says until when; write `deferrable = immediate` or `deferrable = deferred`",
        ),
        (
            "deferrable = later",
            "no time `later` to check a constraint; use `immediate` or `deferred`",
        ),
    ] {
        let attribute =
            format!("#[foreign_key(columns(id, seen), references = Note(id, seen), {attribute})]");
        assert_eq!(mistakes(&attribute)[..1], [message], "{attribute}");
    }
}
