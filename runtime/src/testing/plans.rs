//! How PostgreSQL reads along each of a table's finders.

use std::fmt;
use std::sync::Arc;

use tabellion_sql::ident::quote;
use tokio_postgres::NoTls;
use tokio_postgres::types::ToSql;

use crate::database::scope_sql;
use crate::query::{ByAddress, Index, Lock, Order, Select, Wanted, plain};
use crate::{AllowsSelect, AllowsUpdate, Scope, Table};

/// One form of a finder, and the plan that the server makes for it whatever the values are.
#[derive(Debug, Clone)]
pub struct FinderPlan {
    /// The index that it should read along.
    pub index: &'static str,
    /// The columns that it gives one value or a range of values, by their names.
    pub given: Vec<String>,
    /// The statement.
    pub sql: String,
    /// The plan, a node or a condition a line.
    pub lines: Vec<String>,
    /// The columns of each index of the table that has one row for their values at most.
    unique: Arc<[Vec<String>]>,
    /// The rows have an order, and a limit: then nothing may be sorted. All the rows there are PostgreSQL
    /// may find cheaper to sort than to read in their order.
    ordered: bool,
}

/// What is wrong with a finder's plan.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlanFault {
    /// It reads a whole table.
    Whole,
    /// It reads along no index.
    NoIndex,
    /// It reads more rows than have the value of this column, and leaves the others out afterwards.
    Filtered(String),
    /// It sorts although there is a limit.
    Sorted,
}

impl fmt::Display for PlanFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PlanFault::Whole => f.write_str("it reads a whole table"),
            PlanFault::NoIndex => f.write_str("it reads along no index"),
            PlanFault::Filtered(column) => write!(
                f,
                "it only filters by `{column}`, which stands in no condition on an index"
            ),
            PlanFault::Sorted => f.write_str("it sorts"),
        }
    }
}

impl FinderPlan {
    /// What is wrong with the plan, the worst of it.
    ///
    /// Where two indexes begin alike, PostgreSQL may take the other one, whose rows have the same order. And where
    /// the values are those of a unique key too, it may find the one row along that, and look at the rest of it.
    pub fn fault(&self) -> Option<PlanFault> {
        let has = |word: &str| self.lines.iter().any(|line| line.contains(word));
        if has("Seq Scan") {
            return Some(PlanFault::Whole);
        }
        if !has("Index") {
            return Some(PlanFault::NoIndex);
        }
        // There the column stands on the left; `varchar` is compared as text.
        let is_found = |column: &String, operator: &str| {
            let name = quote(column);
            let forms = [
                format!("({name} {operator}"),
                format!("({name})::text {operator}"),
            ];
            let mut conditions = own(&self.lines).filter(|line| line.contains("Index Cond: "));
            conditions.any(|line| forms.iter().any(|form| line.contains(form)))
        };
        let is_one_row = (self.unique.iter()).any(|key| key.iter().all(|it| is_found(it, "= ")));
        let filtered = self.given.iter().find(|it| !is_found(it, ""));
        if let Some(column) = filtered.filter(|_| !is_one_row) {
            return Some(PlanFault::Filtered(column.clone()));
        }
        (self.ordered && has("Sort")).then_some(PlanFault::Sorted)
    }
}

/// The lines of a plan without the subqueries of policies, which read other tables.
fn own(lines: &[String]) -> impl Iterator<Item = &str> {
    let mut within = None;
    lines.iter().map(String::as_str).filter(move |line| {
        let text = line.trim_start();
        let depth = line.len() - text.len();
        if within.is_some_and(|subquery| depth > subquery) {
            return false;
        }
        within = ["InitPlan ", "SubPlan "]
            .iter()
            .any(|word| text.starts_with(word))
            .then_some(depth);
        within.is_none()
    })
}

/// The statement, then its plan.
impl fmt::Display for FinderPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.sql)?;
        for line in &self.lines {
            write!(f, "\n  {line}")?;
        }
        Ok(())
    }
}

/// The plans of every form that the finders of `T` have, under row-level security as `scope` sees it: each
/// number of values, both directions, ranges, cursors, counts, many at once.
///
/// `url` is the application's login. The database should hold rows of many tenants and be analyzed:
/// where a table is small, reading the whole of it is the right plan.
///
/// # Errors
/// The server's, if it cannot be reached or does not know the table.
pub async fn finder_plans<T, S>(
    url: &str,
    scope: &S,
) -> Result<Vec<FinderPlan>, tokio_postgres::Error>
where
    S: Scope,
    T: AllowsSelect<S> + Table,
{
    let all = |index| forms(index, <T as Table>::COLUMNS, <T as Table>::TYPES);
    plans::<T, S>(url, scope, T::FINDERS.iter().flat_map(all)).await
}

/// The same of every form that locks what it reads, under the policies for UPDATE too.
///
/// # Errors
/// As [`finder_plans`].
pub async fn locked_finder_plans<T, S>(
    url: &str,
    scope: &S,
) -> Result<Vec<FinderPlan>, tokio_postgres::Error>
where
    S: Scope,
    T: AllowsSelect<S> + AllowsUpdate<S> + Table,
{
    let all = |index| forms(index, <T as Table>::COLUMNS, <T as Table>::TYPES);
    let all = T::FINDERS.iter().flat_map(all);
    let locked = all.filter_map(|select| match select.wanted {
        Wanted::Rows => Some(Select {
            wanted: Wanted::Locked(Lock::UPDATE),
            ..select
        }),
        _ => None,
    });
    plans::<T, S>(url, scope, locked).await
}

async fn plans<T, S>(
    url: &str,
    scope: &S,
    forms: impl Iterator<Item = Select>,
) -> Result<Vec<FinderPlan>, tokio_postgres::Error>
where
    S: Scope,
    T: Table,
{
    let (mut client, connection) = tokio_postgres::connect(url, NoTls).await?;
    let connection = tokio::spawn(connection);
    let transaction = client.transaction().await?;
    let texts: Vec<String> = std::iter::once(S::ROLE.to_owned())
        .chain(scope.values().into_iter().map(Option::unwrap_or_default))
        .collect();
    let texts: Vec<&(dyn ToSql + Sync)> = texts.iter().map(|text| text as _).collect();
    let scope_sql = scope_sql(S::SETTINGS, false);
    transaction.query_one(&scope_sql, &texts).await?;
    let rows = transaction.query(UNIQUE, &[&T::NAME]).await?;
    let unique: Result<Arc<[Vec<String>]>, _> = rows.iter().map(|row| row.try_get(0)).collect();
    let unique = unique?;
    let mut plans = Vec::new();
    for select in forms {
        let sql = select.sql(T::NAME, <T as Table>::COLUMNS);
        let count = select.numbered().len() + usize::from(select.limited);
        let nulls = vec!["null"; count].join(", ");
        let messages = transaction
            .simple_query(&format!(
                "prepare form as {sql}; explain (costs off) execute form({nulls}); deallocate form"
            ))
            .await?;
        let lines = messages.iter().filter_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        });
        let is_read = select.wanted != Wanted::Count;
        plans.push(FinderPlan {
            index: select.index.0.name,
            given: given(&select),
            lines: lines.collect(),
            ordered: is_read && select.limited,
            unique: unique.clone(),
            sql,
        });
    }
    transaction.rollback().await?;
    drop(client);
    let _ = connection.await;
    Ok(plans)
}

/// The columns of each unique index of a table.
const UNIQUE: &str = "
select array(
  select a.attname::text from unnest(x.indkey::int2[]) with ordinality k (number, place)
  join pg_attribute a on a.attrelid = x.indrelid and a.attnum = k.number
  where k.place <= x.indnkeyatts)
from pg_index x
where x.indrelid = ($1::text)::regclass and x.indisunique and x.indisvalid and x.indpred is null
  and x.indexprs is null";

/// The columns that are given a value, and the one that is given a range.
fn given(select: &Select) -> Vec<String> {
    let ranged = usize::from(select.lower.is_some() || select.upper.is_some());
    let columns = &select.index.0.columns[..select.equal + ranged];
    columns.iter().map(|(column, _)| plain(column)).collect()
}

/// Every form of an index's finder.
fn forms(index: &'static Index, columns: &[&str], types: &[&str]) -> Vec<Select> {
    let mut forms = Vec::new();
    for equal in 1..=index.columns.len() {
        for reverse in [false, true] {
            let all = Select {
                index: ByAddress(index),
                equal,
                lower: None,
                upper: None,
                after: None,
                reverse,
                limited: false,
                wanted: Wanted::Rows,
                nested: 0,
            };
            let limited = Select {
                limited: true,
                ..all
            };
            forms.extend([all, limited]);
            forms.push(limited.of_each(columns, types));
            forms.extend([Wanted::Page, Wanted::Exists].map(|wanted| Select { wanted, ..limited }));
            if !reverse {
                forms.push(Select {
                    wanted: Wanted::Count,
                    ..all
                });
            }
            let Some((_, order)) = index.columns.get(equal) else {
                continue;
            };
            for (lower, upper) in [
                (Some(true), Some(false)),
                (Some(false), None),
                (None, Some(true)),
            ] {
                forms.push(Select {
                    lower,
                    upper,
                    ..limited
                });
            }
            // Alone a NULL that stands last has nothing behind it.
            let several = index.columns.len() - equal > 1;
            let nullable = several && !matches!(order, Order::Ascending | Order::Descending);
            for after in [Some(0), nullable.then_some(1)].into_iter().flatten() {
                forms.push(Select {
                    after: Some(after),
                    wanted: Wanted::Page,
                    ..limited
                });
            }
        }
    }
    forms
}
