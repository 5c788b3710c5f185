//! What a migration says of a changed policy, held against PostgreSQL: both predicates, drawn at random, are
//! evaluated over every row and every scope of a small universe. Where only the new one lets a row through, the
//! change must say `widens-access`; where only the old one does, `narrows-access`; elsewhere neither. Of floats, `char`,
//! casts and memberships a verdict may say more than happens, and never less.
//!
//! `TABELLION_CASES` sets the number of pairs (300 without it), `TABELLION_SEED` which.

mod families;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, Reason, RngAlgorithm, TestRng, TestRunner};
use tabellion::testing::Server;
use tabellion_sql::plan::{Hazard, Settings, migrations};
use tabellion_sql::schema::{
    Column, Command, Expr, Policy, QualifiedName, Renames, Rls, Role, Schema, Table, Type,
};

/// Three texts and a setting, two integers, a truth: whatever a literal says stands among the values, with a
/// neighbour on each side.
const UNIVERSE: &str = "
    create temp table universe as
    select t, u, n, m, b
    from unnest(array[null, '', 'a', 'b', 'c', 'd']) t, unnest(array['', 'a', 'b', 'c', 'd', 'e']) u,
      unnest(array[null, -3, -2, -1, 0, 1, 2, 3, 4]) n, unnest(array[-2, -1, 0, 1, 2, 3, 4]::bigint[]) m,
      unnest(array[null, true, false]) b";

const SETTING: &str = "(select current_setting('app.x', true))";

const COLUMNS: [(&str, Type); 5] = [
    ("t", Type::Text),
    ("u", Type::Text),
    ("n", Type::Int4),
    ("m", Type::Int8),
    ("b", Type::Bool),
];

fn atom() -> impl Strategy<Value = String> {
    let text = prop_oneof![Just("t"), Just("u")];
    let number = prop_oneof![Just("n"), Just("m")];
    let equality = prop_oneof![Just("="), Just("<>")];
    let comparison = prop_oneof![
        Just("="),
        Just("<>"),
        Just("<"),
        Just("<="),
        Just(">"),
        Just(">=")
    ];
    let literal = prop_oneof![Just("''"), Just("'a'"), Just("'b'"), Just("'c'")];
    let setting = prop_oneof![
        Just(SETTING.to_owned()),
        Just(format!("nullif({SETTING}, '')")),
        prop_oneof![Just("'a'"), Just("'a', 'b'"), Just("'b', 'c'")].prop_map(|texts| {
            let given = "(select current_setting('app.x', true) as given) setting";
            format!("(select case when given in ({texts}) then given end from {given})")
        }),
    ];
    prop_oneof![
        text.clone()
            .prop_map(|t| format!("{t} = {SETTING} and {t} > ''")),
        (text.clone(), equality.clone(), setting).prop_map(|(t, op, s)| format!("{t} {op} {s}")),
        (text.clone(), equality.clone(), literal.clone())
            .prop_map(|(t, op, l)| format!("{t} {op} {l}")),
        (text.clone(), literal.clone(), literal, any::<bool>()).prop_map(|(t, a, b, not)| {
            format!("{t} {}in ({a}, {b})", if not { "not " } else { "" })
        }),
        Just("t = u".to_owned()),
        (number.clone(), comparison.clone(), 0..3).prop_map(|(n, op, l)| format!("{n} {op} {l}")),
        comparison.prop_map(|op| format!("n {op} m")),
        (
            number,
            any::<bool>(),
            -1..3,
            prop_oneof![Just("1"), Just("2"), Just("m")]
        )
            .prop_map(|(n, not, a, b)| {
                let not = if not { "not " } else { "" };
                format!("{n} {not}between {a} and {b}")
            }),
        equality.prop_map(|op| format!("b {op} true")),
        Just("b".to_owned()),
        (prop_oneof![Just("t"), Just("n"), Just("b")], any::<bool>())
            .prop_map(|(c, not)| format!("{c} is {}null", if not { "not " } else { "" })),
        Just("exists(select 1 where t = 'd')".to_owned()),
    ]
}

fn predicate(atom: impl Strategy<Value = String> + 'static) -> impl Strategy<Value = String> {
    atom.prop_recursive(2, 4, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..3)
                .prop_map(|all| format!("({})", all.join(") and ("))),
            prop::collection::vec(inner.clone(), 2..3).prop_map(|all| all.join(" or ")),
            inner.prop_map(|one| format!("not ({one})")),
        ]
    })
}

/// A table with such columns, of which those with some names are not null, or have a collation.
fn table(columns: &[(&str, Type)]) -> Table {
    let columns = columns.iter().map(|(name, ty)| Column {
        nullable: !matches!(*name, "u" | "m" | "rank" | "code"),
        collation: match *name {
            "code" | "mark" => Some("C".to_owned()),
            "k" => Some("ci".to_owned()),
            _ => None,
        },
        ..Column::new(*name, ty.clone())
    });
    Table {
        columns: columns.collect(),
        ..Table::new("it::Universe")
    }
}

fn schema(columns: &[(&str, Type)], members: &[(&str, Type)], predicate: &str) -> Schema {
    let mut table_of_rows = table(columns);
    let read = columns.iter().map(|(name, _)| *name).filter(|name| {
        let mut words = predicate.split(|c: char| !c.is_ascii_alphanumeric());
        words.any(|word| word == *name)
    });
    let policy = Policy {
        command: Some(Command::Select),
        restrictive: false,
        roles: BTreeSet::from(["app".to_owned()]),
        using: Some(Expr::new(predicate, read)),
        check: None,
    };
    table_of_rows.rls = Rls::Enabled(BTreeMap::from([("see".to_owned(), policy)]));
    let tables = [("universe", table_of_rows), ("members", table(members))];
    let tables = tables.map(|(name, table)| (QualifiedName::new("public", name), table));
    Schema {
        roles: BTreeMap::from([("app".to_owned(), Role::Created)]),
        tables: BTreeMap::from(tables),
        ..Schema::default()
    }
}

/// What the change of one predicate into another says: whether it widens and whether it narrows, and in which
/// words.
fn told(
    columns: &[(&str, Type)],
    members: &[(&str, Type)],
    old: &str,
    new: &str,
) -> (bool, bool, Vec<String>) {
    let found = migrations(
        &schema(columns, members, old),
        &schema(columns, members, new),
        &Renames::default(),
        &Settings::default(),
    )
    .expect("nothing to ask");
    let hazards: Vec<Hazard> = found.iter().flat_map(|it| it.up.hazards()).collect();
    (
        hazards
            .iter()
            .any(|it| matches!(it, Hazard::WidensAccess(_))),
        hazards
            .iter()
            .any(|it| matches!(it, Hazard::NarrowsAccess(_))),
        hazards.iter().map(ToString::to_string).collect(),
    )
}

/// Seven, if nothing else is asked for.
fn seed() -> [u8; 32] {
    let mut seed = [7; 32];
    if let Ok(text) = std::env::var("TABELLION_SEED") {
        let number: u64 = text.parse().expect("TABELLION_SEED is a number");
        seed[..8].copy_from_slice(&number.to_le_bytes());
    }
    seed
}

/// Pairs of predicates, the same ones for a seed.
fn pairs(
    cases: usize,
    predicate: impl Strategy<Value = String>,
    pair: impl Fn(usize, String, String) -> (String, String),
) -> Vec<(String, String)> {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed());
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let mut draw = || predicate.new_tree(&mut runner).map(|tree| tree.current());
    (0..cases)
        .map(|case| Ok(pair(case, draw()?, draw()?)))
        .collect::<Result<_, Reason>>()
        .expect("no strategy refuses a value")
}

fn cases() -> Result<usize, std::num::ParseIntError> {
    let cases = std::env::var("TABELLION_CASES").ok();
    cases.map_or(Ok(300), |text| text.parse())
}

/// Of each pair whether any row of any scope passes the new one only, and the old one only.
async fn seen(
    universe: &str,
    scopes: &[&str],
    pairs: &[(String, String)],
) -> Result<Vec<(bool, bool)>, Box<dyn std::error::Error>> {
    let server = Server::start()?;
    let database = server.database().await?;
    let (client, connection) =
        tokio_postgres::connect(database.url(), tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    client.batch_execute(universe).await?;
    let mut all = vec![(false, false); pairs.len()];
    for scope in scopes {
        client.batch_execute(scope).await?;
        for ((old, new), seen) in pairs.iter().zip(&mut all) {
            let query = format!(
                "select coalesce(bool_or(({new}) and ({old}) is not true), false), \
                 coalesce(bool_or(({old}) and ({new}) is not true), false) from universe"
            );
            let row = client.query_one(&query, &[]).await?;
            seen.0 |= row.get::<_, bool>(0);
            seen.1 |= row.get::<_, bool>(1);
        }
    }
    Ok(all)
}

const SCOPES: [&str; 6] = [
    "",
    "set app.x = ''",
    "set app.x = 'a'",
    "set app.x = 'b'",
    "set app.x = 'c'",
    "set app.x = 'd'",
];

#[tokio::test]
async fn a_verdict_is_what_postgresql_does() -> Result<(), Box<dyn std::error::Error>> {
    let cases = cases()?;
    let pairs = pairs(cases, predicate(atom()), |_, old, new| (old, new));
    let seen = seen(UNIVERSE, &SCOPES, &pairs).await?;
    let mut undecided = 0;
    for ((old, new), seen) in pairs.iter().zip(seen) {
        let (wider, narrower, words) = told(&COLUMNS, &[], old, new);
        if words.iter().any(|word| word.contains(": changed, ")) {
            undecided += 1;
            continue;
        }
        // A subselect may be anything, so that of it more is said than may happen.
        let is_whole = !(old.contains("exists") || new.contains("exists"));
        if is_whole || (seen.0 && !wider) || (seen.1 && !narrower) {
            assert_eq!(seen, (wider, narrower), "{old}\n→ {new}\n{words:#?}");
        }
    }
    assert!(
        undecided * 20 < cases,
        "{undecided} of {cases} were not decided"
    );
    Ok(())
}

#[tokio::test]
async fn a_verdict_hides_nothing_of_other_kinds() -> Result<(), Box<dyn std::error::Error>> {
    let cases = cases()? * 4;
    for (kind, family) in families::ALL.iter().enumerate() {
        // Most changes add something to what there is, or take it away.
        let pairs = pairs(cases, family.predicate(), |case, one, other| {
            match case % 4 {
                0 => (one, other),
                1 => (format!("({one}) and ({other})"), one),
                2 => (one.clone(), format!("({one}) and ({other})")),
                _ => (format!("({one}) or ({other})"), one),
            }
        });
        let seen = seen(family.universe, family.scopes, &pairs).await?;
        let mut undecided = 0;
        for ((old, new), seen) in pairs.iter().zip(seen) {
            let (wider, narrower, words) = told(family.columns, family.members, old, new);
            if words.iter().any(|word| word.contains(": changed, ")) {
                undecided += 1;
                continue;
            }
            let hides = (seen.0 && !wider) || (seen.1 && !narrower);
            assert!(!hides, "{old}\n→ {new}\n{seen:?} {words:#?}");
        }
        assert!(
            undecided * 4 < cases * 3,
            "{undecided} of {cases} were not decided in family {kind}"
        );
    }
    Ok(())
}
