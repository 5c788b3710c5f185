//! What only PostgreSQL can say: how it prints a type, a default, a predicate.
//!
//! Each distinct question is put once, to tables that exist for one transaction: temporary, so that no
//! right to create schemas is needed and nothing is written ahead or synced; partitioned without
//! partitions, so that neither they nor their indexes have a file. Many questions share one table.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use tabellion_sql::ident::{quote, quote_literal};
use tabellion_sql::plan::plan;
use tabellion_sql::schema::{
    Check, Column, Expr, Index, PartitionBy, PartitionStrategy, Policy, QualifiedName, Rls, Role,
    Schema, Table, Type,
};
use tokio_postgres::Client;

use crate::catalog::{Kind, Snapshot};
use crate::migrate::connect::NO_PATH;

/// How the tables are named, before their number, and what is in them.
const TABLE: &str = "tabellion_print_";
const PART: &str = "tabellion_part_";
const KEY: &str = "tabellion_key";

/// How many questions, and how many columns, one table takes: PostgreSQL reads a table anew after each
/// statement that changes it.
const PARTS: usize = 50;
const COLUMNS: usize = 400;

/// A question.
#[derive(Debug, Clone)]
pub(super) enum Ask {
    Column(Column),
    Check(Expr),
    Policy(Policy),
    Index(Index),
}

/// Under which search path the questions are put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Path {
    /// Under PostgreSQL's own schema alone: nobody can have laid anything there.
    Own,
    /// With the login's behind it, for what lies there alone.
    Login,
}

impl Path {
    fn sql(self) -> String {
        match self {
            Path::Own => NO_PATH.to_owned(),
            Path::Login => format!("select {}", path(&[])),
        }
    }
}

/// A call that sets the search path for the transaction: some schemas, PostgreSQL's own, those of the login.
pub(super) fn path(first: &[&str]) -> String {
    let first: String = first.iter().map(|schema| format!("{schema}, ")).collect();
    format!(
        "pg_catalog.set_config('search_path', pg_catalog.rtrim(pg_catalog.concat({},
           pg_catalog.current_setting('search_path')), ', '), true);",
        quote_literal(&format!("{first}pg_catalog, "))
    )
}

impl Ask {
    /// The columns that its answer depends on.
    fn reads(&self) -> BTreeSet<&String> {
        match self {
            Ask::Column(column) => column.computed.iter().flat_map(|c| &c.columns).collect(),
            Ask::Check(expr) => expr.columns.iter().collect(),
            Ask::Policy(policy) => {
                let both = policy.using.iter().chain(&policy.check);
                both.flat_map(|expr| &expr.columns).collect()
            }
            Ask::Index(index) => {
                let keys = index.columns.iter().filter_map(|column| match &column.key {
                    tabellion_sql::schema::IndexKey::Name(name) => Some(name),
                    tabellion_sql::schema::IndexKey::Expression(_) => None,
                });
                let exprs = index.exprs().flat_map(|expr| &expr.columns);
                keys.chain(&index.include).chain(exprs).collect()
            }
        }
    }
}

/// The questions, each once.
#[derive(Default)]
pub(super) struct Asks {
    known: HashMap<String, usize>,
    list: Vec<(BTreeMap<String, Column>, Ask)>,
}

impl Asks {
    /// Takes a question about a table in; gives its number.
    pub(super) fn add(&mut self, table: &Table, ask: Ask) -> usize {
        let columns: BTreeMap<String, Column> = ask
            .reads()
            .into_iter()
            .filter_map(|name| table.column(name))
            .map(|column| {
                let bare = Column {
                    collation: column.collation.clone(),
                    nullable: true,
                    ..Column::new(&column.name, column.ty.clone())
                };
                (column.name.clone(), bare)
            })
            .collect();
        let number = self.list.len();
        let key = format!("{columns:?} {ask:?}");
        *self.known.entry(key).or_insert_with(|| {
            self.list.push((columns, ask));
            number
        })
    }

    /// Puts the questions; one that the server cannot answer has no answer.
    ///
    /// The client must stand outside a transaction, and does so afterwards.
    pub(super) async fn put(
        &self,
        client: &Client,
        schema: &Schema,
        path: Path,
    ) -> Result<Answers, tokio_postgres::Error> {
        let pages = self.pages();
        let mut answers = Answers::default();
        if pages.is_empty() {
            return Ok(answers);
        }
        let scripts: Vec<String> = (0..)
            .zip(&pages)
            .map(|(n, page)| self.script(n, page, schema))
            .collect();
        let mut read = Self::ask(client, path, &[scripts.concat()], false).await;
        if read
            .as_ref()
            .is_err_and(|error| error.as_db_error().is_some())
        {
            // One of them at least; the others' answers are worth having.
            read = Self::ask(client, path, &scripts, true).await;
        }
        for (object, text) in read?.objects {
            let kinds = [Kind::Column, Kind::Constraint, Kind::Index, Kind::Policy];
            let number = object
                .name
                .strip_prefix(PART)
                .filter(|_| kinds.contains(&object.kind));
            if let Some(number) = number.and_then(|number| number.parse().ok()) {
                answers.0.insert(number, (object.relation, text));
            }
        }
        Ok(answers)
    }

    async fn ask(
        client: &Client,
        path: Path,
        scripts: &[String],
        each_for_itself: bool,
    ) -> Result<Snapshot, tokio_postgres::Error> {
        let asked = async {
            // A message of its own: the server reads the quotes of a whole message before it runs it.
            let begin = format!("{};{}", super::BEGIN, path.sql());
            client.batch_execute(&begin).await?;
            for script in scripts {
                if !each_for_itself {
                    client.batch_execute(script).await?;
                    continue;
                }
                client.batch_execute("savepoint tabellion_print").await?;
                match client.batch_execute(script).await {
                    Err(error) if error.as_db_error().is_none() => return Err(error),
                    Err(_) => client.batch_execute("rollback to tabellion_print").await?,
                    Ok(()) => {}
                }
            }
            Snapshot::read_temporary(client).await
        }
        .await;
        if asked.is_err() {
            // Whatever happened, nothing of it may stay.
            let _ = client.batch_execute("rollback").await;
        }
        asked
    }

    /// Which questions share a table.
    fn pages(&self) -> Vec<Vec<usize>> {
        let mut pages: Vec<(BTreeMap<&String, &Column>, Vec<usize>, usize)> = Vec::new();
        for (number, (columns, ask)) in self.list.iter().enumerate() {
            let (parts, width) = match ask {
                Ask::Column(_) => (0, columns.len() + 1),
                _ => (1, columns.len()),
            };
            // The last ones alone, so that many questions take no quadratic time.
            let open = pages
                .iter_mut()
                .rev()
                .take(8)
                .find(|(held, numbers, weight)| {
                    weight + parts <= PARTS
                        && held.len() + numbers.len() + width <= COLUMNS
                        && columns
                            .iter()
                            .all(|(name, column)| held.get(name).is_none_or(|own| *own == column))
                });
            let page = match open {
                Some(page) => page,
                None => {
                    pages.push(Default::default());
                    pages.last_mut().expect("just pushed")
                }
            };
            page.0.extend(columns);
            page.1.push(number);
            page.2 += parts;
            if let Ask::Column(column) = ask {
                // Under a name of its own; here it only takes room.
                page.2 += usize::from(column.computed.is_some());
            }
        }
        pages.into_iter().map(|(_, numbers, _)| numbers).collect()
    }

    /// The statements that make one table.
    fn script(&self, number: usize, page: &[usize], schema: &Schema) -> String {
        let mut table = Table::new("print");
        let mut columns: BTreeMap<&String, &Column> = BTreeMap::new();
        let mut policies = BTreeMap::new();
        let mut own = Vec::new();
        for &number in page {
            let (reads, ask) = &self.list[number];
            columns.extend(reads);
            let name = format!("{PART}{number}");
            match ask {
                Ask::Column(column) => own.push(Column {
                    name,
                    ..column.clone()
                }),
                Ask::Check(expr) => {
                    table.checks.insert(name, Check::new(expr.clone()));
                }
                Ask::Policy(policy) => {
                    policies.insert(name, policy.clone());
                }
                Ask::Index(index) => {
                    // A unique one would have to hold the partition key.
                    let index = Index {
                        unique: false,
                        ..index.clone()
                    };
                    table.indexes.insert(name, index);
                }
            }
        }
        table.columns = vec![Column::new(KEY, Type::Int4)];
        table.columns.extend(columns.into_values().cloned());
        table.columns.extend(own);
        table.rls = Rls::Enabled(policies);
        table.partition_by = Some(PartitionBy {
            strategy: PartitionStrategy::List,
            columns: vec![KEY.into()],
        });
        let given = Schema {
            platform: schema.platform,
            roles: schema
                .roles
                .keys()
                .map(|role| (role.clone(), Role::External))
                .collect(),
            extensions: schema.extensions.clone(),
            ..Schema::default()
        };
        let mut printed = given.clone();
        printed.external_schemas = BTreeSet::from(["pg_temp".to_owned()]);
        let name = QualifiedName::new("pg_temp", format!("{TABLE}{number}"));
        printed.tables = BTreeMap::from([(name, table)]);
        plan(&given, &printed).body()
    }
}

/// What the server printed, by the question's number: the table it was asked of, and the text.
#[derive(Default)]
pub(super) struct Answers(HashMap<usize, (String, String)>);

impl Answers {
    /// Takes later answers for better ones.
    pub(super) fn correct(&mut self, later: Answers) {
        self.0.extend(later.0);
    }

    /// The answer, as it reads for that table.
    pub(super) fn get(&self, ask: usize, table: &QualifiedName) -> Option<String> {
        let (asked, text) = self.0.get(&ask)?;
        // Within a subquery, a column of the table around it is printed with the table's name.
        Some(text.replace(&format!("{asked}."), &format!("{}.", quote(&table.name))))
    }

    /// Of an index's definition what stands behind ` USING `.
    pub(super) fn after_using(&self, ask: usize, table: &QualifiedName) -> Option<String> {
        let text = &self.0.get(&ask)?.1;
        let (_, after) = text.split_once(" USING ")?;
        let asked = &self.0.get(&ask)?.0;
        Some(after.replace(&format!("{asked}."), &format!("{}.", quote(&table.name))))
    }
}
