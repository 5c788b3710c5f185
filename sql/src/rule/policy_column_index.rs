//! A policy whose column no index leads with.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::said::{Compared, Known, Read, Said, With, permissive};
use super::{Level, Page, Place, Rule};
use crate::schema::{
    Command, Index, Partition, PartitionStrategy, Policy, QualifiedName, Schema, Table,
};

pub(super) const RULE: Rule = Rule {
    page: Page {
        code: "policy-column-index",
        level: Level::Warning,
        summary: "a policy compares a column that no index leads with",
        text: "\
What happens:
  Every statement of a scope reads the whole table, every tenant's rows, to find the tenant's own.

Why:
  A policy is a condition like any other. Written as this build writes it, PostgreSQL evaluates its right side once
  and looks it up in an index, if there is one that begins with the column: by `==` and `is_in` each value, by `<`,
  `<=`, `>` and `>=` all from there on. An index of another collation than the column's does not count, nor a partial
  one, unless the policy itself demands its condition. A `hash` index finds values and no range; `brin` knows which
  blocks may hold a value, which are all of them where tenants' rows lie mixed, so that it counts for a range alone.
  Partitions count where one holds no other tenant's rows: by lists of one value each without a default, and by
  ranges for a range.
  Of a policy with `||` each side needs an index. Where one has none, those of the others are of no use either.

Seen, on 1,000,000 rows of 1,000 tenants:
  The latest 20 of a tenant take as long as with an explicit WHERE (1.0 times) along an index; two permissive
  policies, which none serves, made a sequential scan of it, and 144 ms of 0.07.

To mend it:
  #[index(columns(shop, created_at desc))], or any index or key that begins with the column.
  For the other side of `shop == scope.domain || public`, where few rows are public, #[index(columns(public))] or
  #[index(columns(created_at desc), where = public)]. Where many are, no index helps, for they are read in any case:
  let another scope read them, in a query of its own, or allow it. No index answers `!=`, a comparison of two columns,
  or one of the scope alone, such as `scope.staff`; what such a side lets in can be another scope's too.

To allow it:
  #[allow_rule(\"policy-column-index\", reason = \"one row a country, never more than 300\")]",
    },
    check,
};

fn check(known: &Known, _: &Schema, name: &QualifiedName, table: &Table) -> Vec<(Place, String)> {
    let look = Look { known, table };
    let (mut told, mut found) = (BTreeSet::new(), Vec::new());
    for (policy, definition) in permissive(table) {
        let read = look.beside(definition);
        let said: Vec<&Said> = read.iter().map(|read| &read.said).collect();
        // What lets the same rows in for everyone keeps nobody's from being found.
        if !said.first().is_some_and(|own| look.asks_the_session(own)) {
            continue;
        }
        for lacking in look.all(&said, &[]).lacking {
            let place = match &lacking {
                Some(compared) => Place::Column(compared.column.clone()),
                None => Place::Policy(policy.clone()),
            };
            if told.insert(place.clone()) {
                let fault = look.fault(lacking.as_ref());
                found.push((
                    place,
                    format!("policy `{policy}` on `{}` {fault}", name.name),
                ));
            }
        }
    }
    found
}

/// What PostgreSQL could read a table along.
struct Look<'a> {
    known: &'a Known,
    table: &'a Table,
}

/// How far a condition leads.
struct Reach {
    /// By the best of what it demands; `None` where no index answers any of it.
    with: Option<With>,
    /// What lacks an index, and nothing where there is one.
    lacking: Vec<Option<Compared>>,
}

impl Look<'_> {
    /// What a policy says of the rows that are there, and behind it what holds for them as well.
    fn beside(&self, policy: &Policy) -> Vec<Rc<Read>> {
        let Some(using) = &policy.using else {
            return Vec::new(); // an insert looks nothing up
        };
        let is_select = policy.commands().contains(&Command::Select);
        let others = self.table.rls.policies().values().filter(|other| {
            let commands = other.commands();
            let holds = match other.restrictive {
                true => policy.commands().iter().all(|it| commands.contains(it)),
                // Whatever a statement looks for, it reads.
                false => !is_select && commands.contains(&Command::Select),
            };
            holds && policy.roles.is_subset(&other.roles)
        });
        let others = others.filter_map(|other| other.using.as_ref());
        let all = [using].into_iter().chain(others);
        all.map(|using| self.known.read(using)).collect()
    }

    fn asks_the_session(&self, said: &Said) -> bool {
        match said {
            Said::And(parts) | Said::Or(parts) => parts.iter().any(|it| self.asks_the_session(it)),
            Said::Atom(words) => Compared::read(words, self.table)
                .is_some_and(|compared| compared.with != With::Constant),
        }
    }

    /// Of conditions that hold together, beside what holds around them.
    fn all(&self, parts: &[&Said], around: &[&[String]]) -> Reach {
        let mut demands = around.to_vec();
        demands.extend(parts.iter().flat_map(|part| part.demands()));
        let reached: Vec<Reach> = (parts.iter())
            .map(|part| match part {
                Said::And(parts) => self.all(&parts.iter().collect::<Vec<_>>(), &demands),
                Said::Or(parts) => self.any(parts, &demands),
                Said::Atom(words) => self.one(words, &demands),
            })
            .collect();
        let with = reached.iter().filter_map(|it| it.with).max();
        // Another tenant's rows are among those of a constant.
        let best = reached.into_iter().filter(|it| it.with == with);
        let best = best.min_by_key(|it| !it.lacking.is_empty());
        best.unwrap_or(Reach {
            with,
            lacking: Vec::new(),
        })
    }

    /// Of conditions any of which lets a row in, so that each needs an index.
    fn any(&self, parts: &[Said], around: &[&[String]]) -> Reach {
        let reached: Vec<Reach> = parts.iter().map(|part| self.all(&[part], around)).collect();
        Reach {
            with: reached.iter().map(|it| it.with).min().flatten(),
            lacking: reached.into_iter().flat_map(|it| it.lacking).collect(),
        }
    }

    fn one(&self, words: &[String], demands: &[&[String]]) -> Reach {
        let compared = Compared::read(words, self.table);
        let with = compared.as_ref().map(|it| it.with);
        let is_led = compared.as_ref().is_some_and(|it| self.is_led(it, demands));
        Reach {
            with,
            lacking: match is_led {
                true => Vec::new(),
                false => vec![compared],
            },
        }
    }

    /// Whether an index, a key or the partitions find what a column is compared with.
    fn is_led(&self, compared: &Compared, demands: &[&[String]]) -> bool {
        let keys = self.table.primary_key.iter().map(|key| &key.columns);
        let uniques = self.table.uniques.values().map(|unique| &unique.columns);
        let mut keys = keys.chain(uniques);
        let mut indexes = self.table.indexes.values();
        keys.any(|columns| columns.first() == Some(&compared.column))
            || self.is_partitioned(compared)
            || indexes.any(|index| self.leads(index, compared, demands))
    }

    fn leads(&self, index: &Index, compared: &Compared, demands: &[&[String]]) -> bool {
        let (begins, method) = (begins(index, compared), index.method.as_str());
        match &index.predicate {
            None => begins && finds(method, compared.with),
            Some(predicate) if !is_demanded(&self.known.read(predicate).said, demands) => false,
            // It holds those rows alone.
            Some(_) if compared.with == With::Constant => method != "hash",
            Some(_) => begins && finds(method, compared.with),
        }
    }

    /// Whether a partition holds no rows but those that are asked for.
    fn is_partitioned(&self, compared: &Compared) -> bool {
        let Some(by) = &self.table.partition_by else {
            return false;
        };
        let mut partitions = self.table.partitions.values();
        let leads = match (by.strategy, compared.with) {
            (PartitionStrategy::Range, With::Bound) => true,
            (PartitionStrategy::List, _) => partitions.all(|partition| match partition {
                Partition::List(values) => values.len() == 1,
                _ => false,
            }),
            _ => false,
        };
        leads && by.columns.first() == Some(&compared.column)
    }

    /// What a policy lacks, and the remedy.
    fn fault(&self, lacking: Option<&Compared>) -> String {
        const WHOLE: &str = "so that every statement reads the whole table";
        let Some(compared) = lacking else {
            return format!(
                "has a side of `||` that no index answers, {WHOLE}; compare a column there by `==`, let another \
                 scope read those rows, or allow the rule with a reason"
            );
        };
        let column = &compared.column;
        let mut indexes = self.table.indexes.iter();
        let other = indexes
            .find(|(_, index)| index.predicate.is_none() && begins(index, compared))
            .map(|(name, index)| match index.method.as_str() {
                "brin" => {
                    format!("which `{name}` finds by `brin` only where its rows lie together")
                }
                method => format!("of which `{name}` by `{method}` finds no range"),
            });
        let fact = other.unwrap_or_else(|| "with which no index begins".to_owned());
        if compared.with == With::Constant {
            return format!(
                "has a side of `||` that lets rows in by `{column}` alone, {fact}, {WHOLE}; add an index over \
                 `{column}` where those rows are few; where they are many, none helps, so let another scope read \
                 them, or allow the rule with a reason"
            );
        }
        let by = self.table.partition_by.as_ref();
        let is_one_partition =
            compared.with == With::Values && by.is_some_and(|by| by.columns == [column.as_str()]);
        let read = match is_one_partition {
            true => {
                "so that every statement reads the whole of a partition, other tenants' rows too"
            }
            false => WHOLE,
        };
        format!("compares `{column}`, {fact}, {read}; add an index over `{column}`")
    }
}

/// Whether an index begins with a column, as the column compares.
fn begins(index: &Index, compared: &Compared) -> bool {
    // Another collation is another order, and another equality: the policy compares by the column's own.
    let first = (index.columns.first()).filter(|column| column.collation.is_none());
    first.and_then(|column| column.name()) == Some(&compared.column)
}

fn finds(method: &str, with: With) -> bool {
    match (method, with) {
        ("brin", with) => with == With::Bound,
        ("hash", with) => with != With::Bound,
        _ => true,
    }
}

/// Whether a partial index holds every row for which all of this is true.
fn is_demanded(predicate: &Said, demands: &[&[String]]) -> bool {
    match predicate {
        Said::And(parts) => parts.iter().all(|part| is_demanded(part, demands)),
        Said::Or(parts) => parts.iter().any(|part| is_demanded(part, demands)),
        Said::Atom(words) => demands.iter().any(|demand| plain(demand) == plain(words)),
    }
}

/// `public`, which `public = true` is as well.
fn plain(words: &[String]) -> &[String] {
    match words {
        [truth, equals, value] if equals == "=" && value == "true" => std::slice::from_ref(truth),
        _ => words,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{OWN, found, policy, tenant_table};
    use super::*;
    use crate::schema::{Column, Expr, IndexColumn, PartitionBy, PrimaryKey, Rls, Type};

    fn with(change: impl FnOnce(&mut Table)) -> Vec<(Place, String)> {
        found("policy-column-index", |schema| {
            let table = tenant_table(schema, "note");
            table.indexes.clear();
            change(table);
        })
    }

    #[test]
    fn policy_column_index() {
        assert_eq!(
            with(|_| {}),
            [(
                Place::Column("shop".into()),
                "policy `own` on `note` compares `shop`, with which no index begins, so that every statement reads \
                 the whole table; add an index over `shop` [policy-column-index]"
                    .to_owned()
            )]
        );
        let index = |columns: [&str; 2]| Index::new(columns.map(IndexColumn::new));
        let behind = |table: &mut Table| {
            table.indexes.insert("i".into(), index(["id", "shop"]));
        };
        assert_eq!(with(behind).len(), 1);
        let partial = |table: &mut Table| {
            let partial = Index {
                predicate: Some(Expr::new("id > 0", ["id"])),
                ..index(["shop", "id"])
            };
            table.indexes.insert("i".into(), partial);
        };
        assert_eq!(with(partial).len(), 1);
        let collated = |table: &mut Table| {
            let mut collated = index(["shop", "id"]);
            collated.columns[0].collation = Some("\"C\"".into());
            table.indexes.insert("i".into(), collated);
        };
        assert_eq!(with(collated).len(), 1);
        let either = |table: &mut Table| {
            table.indexes.insert("i".into(), index(["shop", "id"]));
            let both = format!("({OWN}) or id = (select current_setting('app.id', true))::bigint");
            table.rls = Table::new("").rls;
            policy(table, "own", Some(Command::Select), &both);
        };
        assert_eq!(with(either)[0].0, Place::Column("id".into()));

        let led = |table: &mut Table| {
            table.indexes.insert("i".into(), index(["shop", "id"]));
        };
        assert_eq!(with(led), []);
        let key = |table: &mut Table| {
            table.primary_key = Some(PrimaryKey {
                columns: vec!["shop".into()],
                ..PrimaryKey::default()
            });
        };
        assert_eq!(with(key), []);
        let insert = |table: &mut Table| {
            table.rls = Table::new("").rls;
            policy(table, "own", Some(Command::Insert), OWN);
        };
        assert_eq!(with(insert), []);
    }

    /// What is said of a table with these indexes, of one policy that reads.
    fn reads(sql: &str, indexes: impl IntoIterator<Item = Index>) -> Vec<(Place, String)> {
        with(|table| {
            table.columns.push(Column::new("public", Type::Bool));
            for (at, index) in indexes.into_iter().enumerate() {
                table.indexes.insert(format!("i{at}"), index);
            }
            table.rls = Table::new("").rls;
            policy(table, "own", Some(Command::Select), sql);
        })
    }

    fn over(column: &str) -> Index {
        Index::new([IndexColumn::new(column)])
    }

    fn by(method: &str, column: &str) -> Index {
        Index {
            method: method.into(),
            ..over(column)
        }
    }

    fn only(column: &str, predicate: &str) -> Index {
        Index {
            predicate: Some(Expr::new(predicate, ["public"])),
            ..over(column)
        }
    }

    #[track_caller]
    fn says(found: &[(Place, String)], place: &Place, text: &str) {
        let [(at, message)] = found else {
            panic!("{found:?}");
        };
        assert_eq!(at, place);
        assert!(message.contains(text), "{message}");
    }

    #[test]
    fn each_side_of_an_or_needs_an_index() {
        let public = Place::Column("public".into());
        let either = format!("{OWN} or public = true");
        says(
            &reads(&either, [over("shop")]),
            &public,
            "policy `own` on `note` has a side of `||` that lets rows in by `public` alone, with which no index \
             begins, so that every statement reads the whole table; add an index over `public` where those rows are \
             few; where they are many, none helps, so let another scope read them, or allow the rule with a reason",
        );
        let of_others = [over("shop"), only("id", "not public")];
        assert_eq!(reads(&either, of_others).len(), 1);
        assert_eq!(reads(&either, [over("shop"), over("public")]), []);
        assert_eq!(reads(&either, [over("shop"), only("id", "public")]), []);
        assert_eq!(
            reads(&either, [over("id"), only("id", "public")])[0].0,
            Place::Column("shop".into())
        );
        for side in ["id <> 3", "id != 3", "shop = body", "lower(body) = 'x'"] {
            says(
                &reads(&format!("{OWN} or {side}"), [over("shop")]),
                &Place::Policy("own".into()),
                "policy `own` on `note` has a side of `||` that no index answers, so that ",
            );
        }
        // Within the tenant's rows, or for all the same.
        for sql in [
            &format!("{OWN} and (id = 3 or public)"),
            "public = true or id = 3",
            "public",
        ] {
            assert_eq!(reads(sql, [over("shop")]), [], "{sql}");
        }
        // Each side of its own kind.
        let both = format!("({either}) and id = 3");
        assert_eq!(reads(&both, [over("shop")])[0].0, public);
    }

    #[test]
    fn what_holds_beside_a_policy_is_read_along() {
        let guarded = |restrictive: bool, command: Command| {
            with(|table| {
                table.indexes.insert("i".into(), over("shop"));
                table.rls = Table::new("").rls;
                policy(table, "guard", Some(Command::Select), OWN);
                let either = format!("{OWN} or id = 3");
                policy(table, "own", Some(command), &either);
                if let Rls::Enabled(policies) = &mut table.rls {
                    policies.get_mut("guard").expect("it").restrictive = restrictive;
                }
            })
        };
        assert_eq!(guarded(true, Command::Select), []);
        // The rows that it touches are among those that it sees.
        assert_eq!(guarded(false, Command::Delete), []);
        assert_eq!(guarded(true, Command::Delete).len(), 1);
    }

    #[test]
    fn several_values_and_ranges() {
        let setting = "nullif((select current_setting('app.x', true)), '')";
        let shop = Place::Column("shop".into());
        let list = format!("shop in ({setting}, 'x')");
        says(&reads(&list, []), &shop, "compares `shop`, with which no");
        assert_eq!(reads(&list, [over("shop")]), []);
        let range = format!("shop >= {setting}");
        says(&reads(&range, []), &shop, "compares `shop`, with which no");
        for method in ["btree", "brin"] {
            assert_eq!(reads(&range, [by(method, "shop")]), []);
        }
        says(
            &reads(&range, [by("hash", "shop")]),
            &shop,
            "compares `shop`, of which `i0` by `hash` finds no range, so that every",
        );
        assert_eq!(reads(OWN, [by("hash", "shop")]), []);
        says(
            &reads(OWN, [by("brin", "shop")]),
            &shop,
            "compares `shop`, which `i0` finds by `brin` only where its rows lie together, so that every statement \
             reads the whole table; add an index over `shop`",
        );
        // One value leaves less than a range.
        let both = format!("{OWN} and id >= {setting}::bigint");
        assert_eq!(reads(&both, [over("shop")]), []);
        assert_eq!(reads(&both, [over("id")])[0].0, shop);
    }

    #[test]
    fn partitions_of_one_tenant() {
        let spread = |strategy, partitions: &[Partition]| {
            with(|table| {
                table.partition_by = Some(PartitionBy {
                    strategy,
                    columns: vec!["shop".into()],
                });
                let named = partitions.iter().cloned().enumerate();
                table.partitions = named.map(|(at, it)| (format!("p{at}"), it)).collect();
            })
        };
        let list =
            |values: &[&str]| Partition::List(values.iter().map(|it| it.to_string()).collect());
        let one = list(&["'a'"]);
        assert_eq!(
            spread(PartitionStrategy::List, &[one.clone(), list(&["'b'"])]),
            []
        );
        let hash = Partition::Hash {
            modulus: 1,
            remainder: 0,
        };
        let range = Partition::Range {
            from: vec!["'a'".into()],
            to: vec!["'b'".into()],
        };
        for (strategy, partitions) in [
            (PartitionStrategy::List, vec![one, Partition::Default]),
            (PartitionStrategy::List, vec![list(&["'a'", "'b'"])]),
            (PartitionStrategy::Hash, vec![hash]),
            (PartitionStrategy::Range, vec![range]),
        ] {
            says(
                &spread(strategy, &partitions),
                &Place::Column("shop".into()),
                "compares `shop`, with which no index begins, so that every statement reads the whole of a partition, \
                 other tenants' rows too; add an index over `shop`",
            );
        }
    }
}
