//! What the sealed schema looks like in a catalog, told without building it.
//!
//! Names, keys, grants, comments and flags have one form that is known here. What PostgreSQL prints in
//! its own way, a type or an expression, is asked of it: each thing once, however many tables share it.
//! A prediction is never the last word on a difference: where the catalog is not as predicted, the
//! server builds the table for comparison.

use std::collections::{BTreeMap, BTreeSet};

use tabellion_sql::ident::{object_name, quote};
use tabellion_sql::plan::{touch_function, touch_trigger};
use tabellion_sql::schema::{
    Column, Command, Generated, Index, QualifiedName, Rls, Schema, Table, Type,
};

use super::forms::{
    deferrable, foreign_key, names, nulls_not_distinct, plain_keys, privileges, table_comment,
};
use super::print::{Answers, Ask, Asks};
use crate::catalog::{Change, Kind, Object, Snapshot};

/// A definition, or what it is made of once the server has answered.
enum Text {
    Known(String),
    /// The answer, and what follows it.
    Printed(usize, String),
    /// What stands before ` USING ` in the definition of an index.
    Index(usize, String),
}

/// The predicted catalog.
pub(super) struct Prediction {
    objects: Vec<(Object, Text, Option<QualifiedName>)>,
    /// Tables of which no prediction is made.
    pub(super) unknown: BTreeSet<QualifiedName>,
    /// The table, or tables, that each relation or function comes from.
    pub(super) origin: BTreeMap<(String, String), BTreeSet<QualifiedName>>,
}

impl Prediction {
    pub(super) fn of(schema: &Schema, asks: &mut Asks) -> Self {
        let mut prediction = Prediction {
            objects: Vec::new(),
            unknown: BTreeSet::new(),
            origin: BTreeMap::new(),
        };
        prediction.namespaces(schema);
        prediction.functions(schema);
        prediction.lookups(schema);
        for (name, table) in &schema.tables {
            prediction.comes_from(&name.schema, &name.name, name);
            for partition in table.partitions.keys() {
                prediction.comes_from(&name.schema, partition, name);
            }
            for column in table.columns.iter().filter(|c| c.generated.is_some()) {
                let sequence = object_name(&name.name, &column.name, "seq");
                prediction.comes_from(&name.schema, &sequence, name);
            }
            let is_plain = table.partition_by.is_none()
                && table.partitions.is_empty()
                && table.exclusions.is_empty()
                && !names_itself(name, table);
            if is_plain {
                prediction.table(name, table, asks);
            } else {
                prediction.unknown.insert(name.clone());
            }
        }
        prediction
    }

    /// The snapshot, from the server's answers; a table whose answers are missing becomes unknown.
    pub(super) fn snapshot(&mut self, answers: &Answers) -> Snapshot {
        let mut snapshot = Snapshot::default();
        for (object, text, table) in &self.objects {
            let definition = match (text, table) {
                (Text::Known(text), _) => Some(text.clone()),
                (Text::Printed(ask, rest), Some(table)) => answers
                    .get(*ask, table)
                    .map(|printed| format!("{printed}{rest}")),
                (Text::Index(ask, head), Some(table)) => answers
                    .after_using(*ask, table)
                    .map(|printed| format!("{head} USING {printed}")),
                (_, None) => None,
            };
            match (definition, table) {
                (Some(definition), _) => {
                    snapshot.objects.insert(object.clone(), definition);
                }
                (None, Some(table)) => {
                    self.unknown.insert(table.clone());
                }
                (None, None) => {}
            }
        }
        snapshot
    }

    /// The tables of which the catalog is not as predicted, or nothing is predicted.
    pub(super) fn doubtful(
        &self,
        expected: &Snapshot,
        found: &Snapshot,
    ) -> BTreeSet<QualifiedName> {
        let mut doubtful = self.unknown.clone();
        for finding in expected.diff(found) {
            let Object {
                schema,
                relation,
                kind,
                ..
            } = finding.object;
            // A table that is not there has nothing to compare.
            let is_gone = kind == Kind::Table && matches!(finding.change, Change::Missing { .. });
            if !is_gone && let Some(tables) = self.origin.get(&(schema, relation)) {
                doubtful.extend(tables.iter().cloned());
            }
        }
        doubtful
    }

    fn comes_from(&mut self, schema: &str, relation: &str, table: &QualifiedName) {
        self.origin
            .entry((schema.to_owned(), relation.to_owned()))
            .or_default()
            .insert(table.clone());
    }

    fn push(
        &mut self,
        place: (&str, &str),
        kind: Kind,
        name: &str,
        text: Text,
        of: Option<&QualifiedName>,
    ) {
        let object = Object {
            schema: place.0.to_owned(),
            relation: place.1.to_owned(),
            kind,
            name: name.to_owned(),
        };
        self.objects.push((object, text, of.cloned()));
    }

    /// PostgreSQL schemas, and who may use them.
    fn namespaces(&mut self, schema: &Schema) {
        for namespace in schema.namespaces() {
            let known = |text: &str| Text::Known(text.to_owned());
            self.push((namespace, ""), Kind::Schema, "", known("schema"), None);
            for role in schema.users(namespace) {
                self.push((namespace, ""), Kind::Grant, role, known("usage"), None);
            }
        }
    }

    /// The functions that keep the time of the last update.
    fn functions(&mut self, schema: &Schema) {
        let mut in_utc: BTreeMap<(&str, &str), bool> = BTreeMap::new();
        for (name, table) in &schema.tables {
            for column in table.columns.iter().filter(|column| column.updated_at) {
                let key = (name.schema.as_str(), column.name.as_str());
                *in_utc.entry(key).or_default() |= matches!(column.ty, Type::Timestamp(_));
                let function = touch_function(&name.schema, &column.name);
                self.comes_from(&name.schema, &format!("{}()", function.name), name);
            }
        }
        for ((namespace, column), in_utc) in in_utc {
            let function = touch_function(namespace, column);
            let zone = if in_utc {
                " SET \"TimeZone\" TO 'UTC'\n"
            } else {
                ""
            };
            let body = format!(
                "\nbegin\n  new.{} := pg_catalog.now();\n  return new;\nend\n",
                quote(column)
            );
            let text = format!(
                "CREATE OR REPLACE FUNCTION {function}()\n RETURNS trigger\n LANGUAGE plpgsql\n \
                 SET search_path TO ''\n{zone}AS $function${body}$function$\n"
            );
            let relation = format!("{}()", function.name);
            let place = (namespace, relation.as_str());
            self.push(place, Kind::Function, "", Text::Known(text), None);
        }
    }

    /// The functions that look memberships up for policies, and who may call them.
    fn lookups(&mut self, schema: &Schema) {
        for (function, (lookup, roles)) in schema.lookups() {
            let returns = match &lookup.returns {
                Type::Varchar(_) => "character varying".to_owned(),
                ty => ty.to_string(),
            };
            // As PostgreSQL chooses it: no text in the body may begin so.
            let mut tag = "$function".to_owned();
            while lookup.body().contains(&tag) {
                tag.push('x');
            }
            tag.push('$');
            let text = format!(
                "CREATE OR REPLACE FUNCTION {function}()\n RETURNS SETOF {returns}\n LANGUAGE plpgsql\n \
                 STABLE PARALLEL SAFE SECURITY DEFINER\n SET search_path TO 'pg_catalog', 'pg_temp'\n\
                 AS {tag}\n{}\n{tag}\n",
                lookup.body()
            );
            let relation = format!("{}()", function.name);
            let place = (function.schema.as_str(), relation.as_str());
            self.push(place, Kind::Function, "", Text::Known(text), None);
            for role in roles {
                let text = Text::Known("execute".into());
                self.push(place, Kind::Grant, role, text, None);
            }
        }
    }

    fn table(&mut self, name: &QualifiedName, table: &Table, asks: &mut Asks) {
        let place = (name.schema.as_str(), name.name.as_str());
        let mut push = |kind, own: &str, text| self.push(place, kind, own, text, Some(name));
        let known = |text: &str| Text::Known(text.to_owned());
        push(Kind::Table, "", known("table"));
        let rls = match table.rls {
            Rls::Enabled(_) => "enabled, forced",
            Rls::Disabled(_) => "disabled, not forced",
        };
        push(Kind::RowLevelSecurity, "", known(rls));
        for (policy, definition) in table.rls.policies() {
            let ask = asks.add(table, Ask::Policy(definition.calling()));
            push(Kind::Policy, policy, Text::Printed(ask, String::new()));
        }
        for (role, commands) in &table.grants {
            if !commands.is_empty() {
                push(Kind::Grant, role, Text::Known(privileges(commands)));
            }
        }
        for (role, commands) in &table.column_grants {
            for column in &table.columns {
                let of_column = commands
                    .iter()
                    .filter(|(_, all)| all.contains(&column.name));
                let of_column: BTreeSet<Command> = of_column.map(|(command, _)| *command).collect();
                if !of_column.is_empty() {
                    let own = format!("{role} ({})", column.name);
                    push(Kind::Grant, &own, Text::Known(privileges(&of_column)));
                }
            }
        }
        for column in &table.columns {
            let (ask, rest) = column_parts(name, table, column, asks);
            push(Kind::Column, &column.name, Text::Printed(ask, rest));
            if let Some(comment) = column.comment.as_deref().filter(|text| !text.is_empty()) {
                push(Kind::Comment, &column.name, known(comment));
            }
            if column.updated_at {
                let trigger = touch_trigger(&column.name);
                let text = format!(
                    "CREATE TRIGGER {} BEFORE UPDATE ON {name} FOR EACH ROW EXECUTE FUNCTION {}()",
                    quote(&trigger),
                    touch_function(&name.schema, &column.name)
                );
                push(Kind::Trigger, &trigger, Text::Known(text));
            }
        }
        if let Some(comment) = table_comment(table).filter(|text| !text.is_empty()) {
            push(Kind::Comment, "", Text::Known(comment));
        }
        if let Some(key) = &table.primary_key {
            let text = format!(
                "PRIMARY KEY ({}){}",
                names(&key.columns),
                deferrable(key.deferrable)
            );
            push(Kind::Constraint, &key.name, Text::Known(text));
        }
        for (own, unique) in &table.uniques {
            let nulls = nulls_not_distinct(unique.nulls_not_distinct);
            let text = format!(
                "UNIQUE{nulls} ({}){}",
                names(&unique.columns),
                deferrable(unique.deferrable)
            );
            push(Kind::Constraint, own, Text::Known(text));
        }
        for (own, check) in &table.checks {
            let ask = asks.add(table, Ask::Check(check.expr.clone()));
            let rest = if check.not_valid { " NOT VALID" } else { "" };
            push(Kind::Constraint, own, Text::Printed(ask, rest.to_owned()));
        }
        for (own, key) in &table.foreign_keys {
            push(Kind::Constraint, own, Text::Known(foreign_key(key)));
        }
        for (own, index) in &table.indexes {
            let unique = if index.unique { "UNIQUE " } else { "" };
            let head = format!("CREATE {unique}INDEX {} ON {name}", quote(own));
            let text = match plain_keys(index) {
                Some(keys) => Text::Known(format!("{head} USING btree {keys}")),
                None => Text::Index(asks.add(table, Ask::Index(index.clone())), head),
            };
            push(Kind::Index, own, text);
        }
        for column in &table.columns {
            self.sequence(name, table, column);
        }
    }

    /// The sequence of a numbered column, and who may use it.
    fn sequence(&mut self, name: &QualifiedName, table: &Table, column: &Column) {
        let Some(generated) = column.generated else {
            return;
        };
        let (ty, last) = match column.ty {
            Type::Int2 => ("smallint", i64::from(i16::MAX)),
            Type::Int4 => ("integer", i64::from(i32::MAX)),
            _ => ("bigint", i64::MAX),
        };
        let sequence = object_name(&name.name, &column.name, "seq");
        let text = format!(
            "{ty} start 1 increment 1 from 1 to {last} cache 1 owned by {}",
            quote(&column.name)
        );
        let place = (name.schema.as_str(), name.name.as_str());
        self.push(
            place,
            Kind::Sequence,
            &sequence,
            Text::Known(text),
            Some(name),
        );
        if generated != Generated::Serial {
            return;
        }
        for role in table.grantees() {
            if table.is_granted(role, Command::Insert) {
                let place = (name.schema.as_str(), sequence.as_str());
                let text = Text::Known("usage".into());
                self.push(place, Kind::Grant, role, text, Some(name));
            }
        }
    }
}

/// Whether an expression may name its own table, which has another name where the server prints it.
fn names_itself(name: &QualifiedName, table: &Table) -> bool {
    let own = name.name.replace('"', "\"\"").to_lowercase();
    let is_apart = |c: Option<char>| !c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let policies = table.rls.policies().values();
    let exprs = policies.flat_map(|policy| policy.using.iter().chain(&policy.check));
    let exprs = exprs.chain(table.checks.values().map(|check| &check.expr));
    let exprs = exprs.chain(table.indexes.values().flat_map(Index::exprs));
    let computed = table.columns.iter().filter_map(|c| c.computed.as_ref());
    exprs.chain(computed).any(|expr| {
        let text = expr.written().to_lowercase();
        text.match_indices(&own).any(|(at, _)| {
            is_apart(text[..at].chars().next_back())
                && is_apart(text[at + own.len()..].chars().next())
        })
    })
}

/// The question for a column, and what follows the answer.
fn column_parts(
    name: &QualifiedName,
    table: &Table,
    column: &Column,
    asks: &mut Asks,
) -> (usize, String) {
    let mut asked = Column {
        name: String::new(),
        generated: None,
        comment: None,
        updated_at: false,
        ..column.clone()
    };
    let key = table.primary_key.as_ref();
    if key.is_some_and(|key| key.columns.contains(&column.name)) {
        asked.nullable = false;
    }
    let rest = match column.generated {
        None => String::new(),
        Some(Generated::IdentityAlways) => " generated always as identity".into(),
        Some(Generated::IdentityByDefault) => " generated by default as identity".into(),
        Some(Generated::Serial) => {
            asked.default = None;
            let sequence = object_name(&name.name, &column.name, "seq");
            let sequence = QualifiedName::new(&name.schema, sequence).to_string();
            // PostgreSQL doubles the quotes in what it prints, and never writes `E'...'`.
            let literal = sequence.replace('\'', "''");
            format!(" default nextval('{literal}'::regclass)")
        }
    };
    (asks.add(table, Ask::Column(asked)), rest)
}
