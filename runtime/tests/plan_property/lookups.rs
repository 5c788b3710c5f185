//! Policies that look rows of their own table up, which functions do for them, and those that read another table
//! themselves.
//!
//! They are entered once a schema stands, and name what it names, so that what is renamed between two schemas is
//! renamed in their texts.

use tabellion_sql::ident::quote;
use tabellion_sql::schema::{Column, Command, Expr, Lookup, Policy, Rls, Schema, Table};

use crate::dice::Dice;
use crate::names::APP;

const POLICY: &str = "with one another";
const MEMBERSHIP: &str = "with others";

/// Takes those policies away, so that others can be entered.
pub(crate) fn leave(schema: &mut Schema) {
    for table in schema.tables.values_mut() {
        if let Rls::Enabled(policies) = &mut table.rls {
            policies.remove(POLICY);
            policies.remove(MEMBERSHIP);
        }
    }
}

/// Gives tables a policy that reads another one, the same to whatever schema has the same tables and columns.
pub(crate) fn enter_memberships(schema: &mut Schema) {
    let returned = |column: &&Column| Lookup::returned(&column.ty).is_some();
    let select = |table: &Table| table.is_granted(APP, Command::Select);
    for name in schema.tables.keys().cloned().collect::<Vec<_>>() {
        let Some(own) = schema.tables[&name].columns.iter().find(returned).cloned() else {
            continue;
        };
        let mut others = schema.tables.iter();
        let found = others.find_map(|(other, table)| {
            let mut columns = table.columns.iter();
            let selected = columns.find(|column| column.ty == own.ty)?;
            (*other != name && select(table)).then(|| (other.clone(), quote(&selected.name)))
        });
        let Some((other, selected)) = found else {
            continue;
        };
        let membership =
            format!("select m.{selected} from {other} m where m.{selected} is not null");
        let mut expr = Expr::new(
            format!("{} = any (array({membership}))", quote(&own.name)),
            [own.name.clone()],
        );
        expr.tables.insert(other.into());
        let policy = Policy {
            command: Some(Command::Delete),
            restrictive: true,
            roles: [APP.to_owned()].into(),
            using: Some(expr),
            check: None,
        };
        let mut with = schema.clone();
        let table = with.tables.get_mut(&name).map(|table| &mut table.rls);
        if let Some(Rls::Enabled(policies)) = table {
            policies.insert(MEMBERSHIP.to_owned(), policy);
        }
        // It may lead back to the table.
        if tabellion_sql::verify::verify(&with).is_empty() {
            *schema = with;
        }
    }
}

/// Gives such a policy to some tables that have room for it.
pub(crate) fn enter(schema: &mut Schema, seed: u64) {
    let mut dice = Dice::new(seed);
    for (name, table) in &mut schema.tables {
        let found: Vec<_> = (table.columns.iter())
            .filter_map(|column| Some((column.name.clone(), Lookup::returned(&column.ty)?)))
            .collect();
        let (Some((own, returns)), true) = (dice.any(&found), dice.one_in(2)) else {
            continue;
        };
        let asked = quote(&dice.pick(&table.columns).name).into_owned();
        let Rls::Enabled(policies) = &mut table.rls else {
            continue;
        };
        let lookup = Lookup {
            query: format!(
                "select m.{} from {name} m where m.{asked} is not null",
                quote(&own)
            ),
            returns,
            table: name.clone(),
        };
        let mut expr = Expr::new(
            format!("{} = any (array({}))", quote(&own), lookup.query),
            [own.clone()],
        );
        expr.tables.insert(name.into());
        let function = lookup.name(&name.schema, &name.name, &own);
        expr.lookups.insert(function, lookup);
        let policy = Policy {
            command: Some(Command::Delete),
            restrictive: true,
            roles: [APP.to_owned()].into(),
            using: Some(expr),
            check: None,
        };
        policies.insert(POLICY.to_owned(), policy);
        // The function gives it out, so the role may read it.
        let whole = table.grants.get(APP);
        if !whole.is_some_and(|commands| commands.contains(&Command::Select)) {
            let columns = table.column_grants.entry(APP.to_owned()).or_default();
            columns.entry(Command::Select).or_default().insert(own);
        }
        schema
            .roles
            .entry(APP.to_owned())
            .or_insert(tabellion_sql::schema::Role::External);
    }
}
