//! Policies that look rows of their own table up, which functions do for them.
//!
//! They are entered once a schema stands, and name what it names, so that what is renamed between two schemas is
//! renamed in their texts.

use tabellion_sql::ident::quote;
use tabellion_sql::schema::{Command, Expr, Lookup, Policy, Rls, Schema};

use crate::dice::Dice;
use crate::names::APP;

const POLICY: &str = "with one another";

/// Takes those policies away, so that others can be entered.
pub(crate) fn leave(schema: &mut Schema) {
    for table in schema.tables.values_mut() {
        if let Rls::Enabled(policies) = &mut table.rls {
            policies.remove(POLICY);
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
            table: name.to_string(),
        };
        let mut expr = Expr::new(
            format!("{} = any (array({}))", quote(&own), lookup.query),
            [own.clone()],
        );
        expr.tables.insert(name.to_string());
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
        schema
            .roles
            .entry(APP.to_owned())
            .or_insert(tabellion_sql::schema::Role::External);
    }
}
