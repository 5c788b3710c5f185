//! That the cases reach the whole vocabulary, and every kind of change.

use std::collections::BTreeSet;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use tabellion_sql::plan::Hazard;
use tabellion_sql::schema::{Deferrable, Rls, Schema, Table};

use crate::case::{Case, seeds};

/// Words for what a schema has.
fn words(schema: &Schema, found: &mut BTreeSet<String>) {
    let mut say = |word: String| {
        found.insert(word);
    };
    say(format!("{:?}", schema.platform));
    schema
        .extensions
        .keys()
        .for_each(|name| say(format!("extension {name}")));
    for (name, table) in &schema.tables {
        say(format!("in {}", name.schema));
        for column in &table.columns {
            say(format!("type {}", column.ty.internal_name()));
            let numbered = column.generated.map(|generated| format!("{generated:?}"));
            numbered.into_iter().for_each(&mut say);
            let said = [
                ("computed", column.computed.is_some()),
                ("collation", column.collation.is_some()),
                ("updated_at", column.updated_at),
                ("comment on a column", column.comment.is_some()),
                ("default", column.default.is_some()),
            ];
            said.iter()
                .filter(|(_, is)| *is)
                .for_each(|(word, _)| say((*word).into()));
        }
        constraints(table, &mut say);
        for index in table.indexes.values() {
            say(format!("index {}", index.method));
            let said = [
                ("unique index", index.unique),
                ("include", !index.include.is_empty()),
                ("where", index.predicate.is_some()),
                ("with", !index.with.is_empty()),
                ("index nulls not distinct", index.nulls_not_distinct),
                ("desc", index.columns.iter().any(|column| column.descending)),
                (
                    "nulls",
                    index.columns.iter().any(|column| column.nulls.is_some()),
                ),
                (
                    "opclass",
                    index.columns.iter().any(|column| column.opclass.is_some()),
                ),
                (
                    "index collation",
                    index
                        .columns
                        .iter()
                        .any(|column| column.collation.is_some()),
                ),
                (
                    "index expression",
                    index.columns.iter().any(|column| column.name().is_none()),
                ),
            ];
            said.iter()
                .filter(|(_, is)| *is)
                .for_each(|(word, _)| say((*word).into()));
        }
        if let Some(by) = &table.partition_by {
            say(format!("by {}", by.strategy.as_sql()));
        }
        if let Rls::Disabled(_) = table.rls {
            say("no row-level security".into());
        }
        for policy in table.rls.policies().values() {
            say(format!("policy {:?}", policy.command));
            if policy.using.iter().any(|expr| !expr.tables.is_empty()) {
                say("policy on another table".into());
            }
        }
    }
}

fn constraints(table: &Table, say: &mut impl FnMut(String)) {
    for key in table.foreign_keys.values() {
        say(format!("on delete {}", key.on_delete.as_sql()));
        say(format!("on update {}", key.on_update.as_sql()));
        say(format!("foreign key {:?}", key.deferrable));
        say(format!("foreign key of {}", key.columns.len()));
        say(format!("foreign key into {}", key.table.schema));
        if !key.on_delete_columns.is_empty() {
            say("set null of some".into());
        }
    }
    for unique in table.uniques.values() {
        say(format!("unique {:?}", unique.deferrable));
        if unique.nulls_not_distinct {
            say("nulls not distinct".into());
        }
    }
    for exclusion in table.exclusions.values() {
        say(format!("exclusion {}", exclusion.method));
    }
    if let Some(key) = &table.primary_key {
        say(format!(
            "primary key {:?}",
            key.deferrable == Deferrable::Not
        ));
        say(format!("primary key of {}", key.columns.len()));
    }
    if !table.checks.is_empty() {
        say("check".into());
    }
    let mut checks = table.checks.values();
    if checks.any(|check| crate::exprs::variants(&check.expr).is_some()) {
        say("enumeration".into());
    }
}

#[test]
fn the_cases_reach_everything() {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let (mut found, mut edits, mut hazards) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for _ in 0..800 {
        let seeds = seeds().new_tree(&mut runner).expect("a case").current();
        let Ok(case) = Case::new(&seeds) else {
            continue;
        };
        words(&case.from, &mut found);
        let next = (!seeds.more.is_empty()).then(|| case.next(&seeds));
        let next = next.and_then(Result::ok);
        edits.extend(next.iter().flat_map(|next| next.edits.clone()));
        edits.extend(case.edits);
        let pairs = next.iter().flat_map(|next| &next.pairs);
        for hazard in case
            .pairs
            .iter()
            .chain(pairs)
            .flat_map(|pair| pair.up.hazards())
        {
            hazards.insert(match hazard {
                Hazard::Locks(mode, _) => mode.as_str().to_owned(),
                other => other
                    .to_string()
                    .split(':')
                    .next()
                    .unwrap_or_default()
                    .to_owned(),
            });
        }
        if case.pairs.iter().any(|pair| pair.up.no_transaction) {
            hazards.insert("no-transaction".into());
        }
    }
    for (what, wanted, found) in [
        ("schema", SCHEMA, &found),
        ("edit", EDITS, &edits),
        ("hazard", HAZARDS, &hazards),
    ] {
        let missing: Vec<&str> = wanted
            .split(" | ")
            .filter(|word| !found.contains(word.trim()))
            .collect();
        assert!(
            missing.is_empty(),
            "no case has this {what}: {missing:?}\n{found:?}"
        );
    }
}

const SCHEMA: &str = "Postgres | Supabase | extension citext | extension hstore | extension ltree | \
    extension cube | extension btree_gist | extension pg_trgm | in public | in Other Schema | in größe | \
    in select | type bool | type int2 | type int4 | type int8 | type float4 | type float8 | type numeric | \
    type text | type varchar | type bpchar | type uuid | type jsonb | type json | type bytea | type date | \
    type time | type timestamp | type timestamptz | type interval | type citext | type inet | type cidr | \
    type macaddr | type int4range | type tstzrange | type daterange | type int4multirange | type tsvector | \
    type tsquery | type bit | type varbit | type money | type point | type hstore | type ltree | type cube | \
    type xml | type _text | type _int4 | Serial | IdentityAlways | IdentityByDefault | computed | collation | \
    updated_at | comment on a column | default | index btree | index hash | index gin | index gist | \
    index brin | index spgist | unique index | include | where | with | index nulls not distinct | desc | \
    nulls | opclass | index collation | index expression | by range | by list | by hash | \
    no row-level security | policy None | policy Some(Select) | policy Some(Insert) | \
    policy Some(Update) | policy Some(Delete) | policy on another table | on delete no action | \
    on delete restrict | on delete cascade | on delete set null | on delete set default | \
    on update cascade | on update set null | foreign key Not | foreign key Immediate | \
    foreign key Deferred | foreign key of 1 | foreign key of 2 | foreign key into auth | \
    set null of some | unique Not | unique Immediate | unique Deferred | nulls not distinct | \
    exclusion gist | exclusion btree | primary key true | primary key false | primary key of 1 | \
    primary key of 2 | check | enumeration";

const EDITS: &str = "a table | drop a table | rename a table | move a table to another schema | \
    a partition | drop a partition | comment on a table | to Supabase | \
    fields and structs in another place | a column | drop a column | rename a column | \
    another type of the same kind | another type | nullable, or not | another default | numbered, or not | \
    computed | no longer computed | another collation | updated_at, or not | comment on a column | a unique constraint | \
    drop a unique constraint | another unique constraint | another primary key | a foreign key | \
    drop a foreign key | another foreign key | a check | another check, or none | an index | another index, or none | \
    an exclusion constraint, or none | other names | a policy | another policy, or none | row-level security, or none | \
    another reason | other grants | no grants | an index of a table in parts | \
    another index of a table in parts | an index of a table in parts is called otherwise | \
    two names exchanged | a name passed on | a partition out of the default one | \
    updated_at under a long name | an enumeration | a variant called otherwise | a variant fewer | \
    a variant more | variants in another order | \
    a unique index that becomes a constraint, or one that becomes an index | \
    another type under an index that goes | another type under an index that becomes another | \
    a unique key that a foreign key may rest on comes | a unique key that a foreign key may rest on goes | \
    an index with other parameters | an index by another operator class or collation | \
    a foreign key that leads elsewhere | a foreign key that does something else | comments that go";

const HAZARDS: &str = "share update exclusive | share | share row exclusive | access exclusive | scans | \
    rewrites | removes | restricts | narrows-access | widens-access | loses-data | no-transaction";
