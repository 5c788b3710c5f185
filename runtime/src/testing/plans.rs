//! How PostgreSQL reads along each of a table's finders.

use std::fmt;

use tokio_postgres::NoTls;
use tokio_postgres::types::ToSql;

use crate::database::scope_sql;
use crate::query::{ByAddress, Index, Lock, Order, Select, Wanted};
use crate::{AllowsSelect, AllowsUpdate, Scope, Table};

/// One form of a finder, and the plan that the server makes for it whatever the values are.
#[derive(Debug, Clone)]
pub struct FinderPlan {
    /// The index that it should read along.
    pub index: &'static str,
    /// The statement.
    pub sql: String,
    /// The plan, a node or a condition a line.
    pub lines: Vec<String>,
    /// The rows have an order, and a limit: then nothing may be sorted. All the rows there are PostgreSQL
    /// may find cheaper to sort than to read in their order.
    ordered: bool,
}

impl FinderPlan {
    /// What is wrong with the plan: it reads the whole table, or sorts although there is a limit.
    ///
    /// Where two indexes begin alike, PostgreSQL may take the other one, whose rows have the same order.
    pub fn fault(&self) -> Option<&'static str> {
        let has = |word: &str| self.lines.iter().any(|line| line.contains(word));
        if has("Seq Scan") {
            return Some("it reads the whole table");
        }
        if self.ordered && has("Sort") {
            return Some("it sorts");
        }
        (!has("Index")).then_some("it reads along no index")
    }
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
            lines: lines.collect(),
            ordered: is_read && select.limited,
            sql,
        });
    }
    transaction.rollback().await?;
    drop(client);
    let _ = connection.await;
    Ok(plans)
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
