//! The superuser's eye: what is really in the tables, whatever the policies show.

use std::collections::BTreeMap;

use tabellion::{Scope, Table};
use tokio_postgres::Client;

use crate::Stop;
use crate::checks::Checks;
use crate::raw;
use crate::tables::{
    InventoryAction, Notification, SalesPulseAction, Shop, SocialPost, User, UserPreference,
};

/// What an attacker knows of a table.
pub(crate) struct Target {
    /// Its name as SQL.
    pub(crate) table: &'static str,
    /// The column that says whose a row is.
    pub(crate) tenant: &'static str,
    /// The setting that the policies compare it with.
    pub(crate) setting: &'static str,
    /// Whether policies allow UPDATE and DELETE; SELECT and INSERT are allowed everywhere.
    pub(crate) writable: bool,
    /// More columns that a row must have, and their values.
    pub(crate) columns: &'static str,
    pub(crate) values: &'static str,
    /// A change of a row.
    pub(crate) change: &'static str,
    /// The sequence of its key.
    pub(crate) sequence: Option<&'static str>,
}

/// The five tables.
pub(crate) const TARGETS: [Target; 5] = [
    Target {
        table: SalesPulseAction::NAME,
        tenant: "shop_domain",
        setting: Shop::SETTINGS[0],
        writable: false,
        columns: ", action_type, created_by",
        values: ", 'no_action', 'somebody'",
        change: "notes = 'taken over'",
        sequence: Some("public.sales_pulse_actions_id_seq"),
    },
    Target {
        table: InventoryAction::NAME,
        tenant: "shop_domain",
        setting: Shop::SETTINGS[0],
        writable: false,
        columns: ", sku, action_type, created_by",
        values: ", 'SKU-0', 'skip', 'somebody'",
        change: "vendor = 'taken over'",
        sequence: Some("public.inventory_actions_id_seq"),
    },
    Target {
        table: SocialPost::NAME,
        tenant: "shop_domain",
        setting: Shop::SETTINGS[0],
        writable: true,
        columns: ", platform, status, content, created_by",
        values: ", 'twitter', 'draft', 'forged', 'somebody'",
        change: "content = 'taken over'",
        sequence: Some("public.social_posts_id_seq"),
    },
    Target {
        table: Notification::NAME,
        tenant: "user_id",
        setting: User::SETTINGS[0],
        writable: true,
        columns: ", type, priority, title",
        values: ", 'system', 'low', 'forged'",
        change: "title = 'taken over'",
        sequence: Some("public.notifications_id_seq"),
    },
    Target {
        table: UserPreference::NAME,
        tenant: "user_id",
        setting: User::SETTINGS[0],
        writable: true,
        columns: "",
        values: "",
        change: "theme = 'dark'",
        sequence: None,
    },
];

impl Target {
    /// A new row of a tenant.
    pub(crate) fn insert(&self, tenant: &str) -> String {
        let Target {
            table,
            tenant: column,
            columns,
            values,
            ..
        } = self;
        format!("insert into {table} ({column}{columns}) values ('{tenant}'{values})")
    }

    /// The table's name without its schema, for people.
    pub(crate) fn name(&self) -> &'static str {
        plain(self.table)
    }
}

/// A name without its schema.
pub(crate) fn plain(table: &'static str) -> &'static str {
    table.rsplit('.').next().unwrap_or(table)
}

/// The rows of each tenant in each table: how many, and a digest of all they hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct State(BTreeMap<(&'static str, String), (i64, String)>);

impl State {
    /// Without the rows that certain tenants have in tables where policies allow UPDATE and DELETE.
    pub(crate) fn beyond_reach_of(mut self, tenants: &[&str]) -> Self {
        self.0.retain(|(table, tenant), _| {
            let writable = TARGETS
                .iter()
                .any(|target| target.table == *table && target.writable);
            !writable || !tenants.contains(&tenant.as_str())
        });
        self
    }

    /// How many rows a tenant has in a table.
    pub(crate) fn rows(&self, table: &'static str, tenant: &str) -> u64 {
        let found = self.0.get(&(table, tenant.to_owned()));
        found.map_or(0, |(rows, _)| rows.unsigned_abs())
    }

    /// A check for each table that nothing in it has changed.
    pub(crate) fn unchanged(&self, checks: &mut Checks, now: &State) {
        for target in &TARGETS {
            let of = |state: &State| -> Vec<_> {
                let all = state.0.iter();
                all.filter(|((table, _), _)| *table == target.table)
                    .map(|((_, tenant), held)| (tenant.clone(), held.clone()))
                    .collect()
            };
            let (before, after) = (of(self), of(now));
            let rows = |held: &[(String, (i64, String))]| -> i64 {
                held.iter().map(|(_, (rows, _))| rows).sum()
            };
            checks.that(
                format_args!("{}: what it holds, read by the superuser", target.name()),
                &format!("{} rows as before", rows(&before)),
                &format!("{} rows, not the same", rows(&after)),
                before == after,
            );
        }
    }
}

/// The superuser's connection.
pub(crate) struct Witness {
    client: Client,
}

impl Witness {
    pub(crate) async fn connect(url: &str) -> Result<Self, Stop> {
        Ok(Witness {
            client: raw::client(url).await?,
        })
    }

    /// Everything that the five tables hold.
    pub(crate) async fn state(&self) -> Result<State, Stop> {
        let selects: Vec<String> = TARGETS
            .iter()
            .map(|Target { table, tenant, .. }| {
                format!(
                    "select '{table}', {tenant}, count(*), \
                     md5(string_agg(t::text, chr(10) order by t::text)) from {table} t group by 2"
                )
            })
            .collect();
        let rows = self.client.query(&selects.join(" union all "), &[]).await?;
        let mut state = BTreeMap::new();
        for row in rows {
            let name: &str = row.try_get(0)?;
            for target in TARGETS.iter().filter(|target| target.table == name) {
                let key = (target.table, row.try_get(1)?);
                state.insert(key, (row.try_get(2)?, row.try_get(3)?));
            }
        }
        Ok(State(state))
    }

    /// Puts a row into each table that belongs to nobody: its tenant is the empty text. A policy
    /// that forgets about empty settings would show it.
    pub(crate) async fn plant_orphans(&self) -> Result<(), Stop> {
        for target in &TARGETS {
            self.client.batch_execute(&target.insert("")).await?;
        }
        Ok(())
    }

    /// The answer to a question about the catalog: a number.
    pub(crate) async fn number(&self, sql: &str) -> Result<i64, Stop> {
        Ok(self.client.query_one(sql, &[]).await?.try_get(0)?)
    }
}
