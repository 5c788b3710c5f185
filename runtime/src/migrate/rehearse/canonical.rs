//! What a database holds, in a form that compares by text: all that a snapshot has, and what only
//! migrations by hand make: views, functions, types, sequences, extensions, default privileges.

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::Client;

use crate::catalog::Snapshot;
use crate::migrate::error::MigrateError;
use crate::migrate::verify::rows;

/// The PostgreSQL schemas that a migration may have made something in.
const SCHEMAS: &str = "
select n.nspname from pg_catalog.pg_namespace n
where n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'tabellion', 'tabellion_rehearsal')";

/// What no snapshot holds, two texts a row: the object, its definition. `{own}` is a condition on a
/// namespace `n`, `{free CLASS}` one on an object that no extension has brought.
const OTHERS: [&str; 7] = [
    "select 'view ' || pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname),
       c.relkind::text || ' ' || pg_catalog.pg_get_viewdef(c.oid) || coalesce(c.reloptions::text, '')
       || coalesce(' ' || (select pg_catalog.string_agg(pg_catalog.pg_get_indexdef(x.indexrelid), ' '
            order by x.indexrelid::pg_catalog.regclass::text) from pg_catalog.pg_index x where x.indrelid = c.oid), '')
       || coalesce(' ' || (select pg_catalog.string_agg(pg_catalog.pg_get_triggerdef(t.oid), ' ' order by t.tgname)
            from pg_catalog.pg_trigger t where t.tgrelid = c.oid and not t.tgisinternal), '')
       || {acl c.relacl}
     from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('v', 'm') and {own} and {free pg_class c}",
    "select 'sequence ' || pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname),
       pg_catalog.format_type(q.seqtypid, null) || ' ' || q.seqstart || ' ' || q.seqincrement || ' ' || q.seqmin
       || ' ' || q.seqmax || ' ' || q.seqcache || ' ' || q.seqcycle || {acl c.relacl}
     from pg_catalog.pg_sequence q join pg_catalog.pg_class c on c.oid = q.seqrelid
     join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where {own} and {free pg_class c} and not exists (
       select from pg_catalog.pg_depend d where d.objid = c.oid and d.deptype in ('a', 'i')
         and d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass)",
    "select 'function ' || p.oid::pg_catalog.regprocedure::text,
       case when p.prokind = 'a' then 'aggregate' else pg_catalog.pg_get_functiondef(p.oid) end || {acl p.proacl}
       || coalesce(' comment ' || pg_catalog.obj_description(p.oid, 'pg_proc'), '')
     from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
     where {own} and {free pg_proc p} and p.prorettype <> 'pg_catalog.trigger'::pg_catalog.regtype",
    "select 'type ' || t.oid::pg_catalog.regtype::text,
       t.typtype::text || ' ' || coalesce((select pg_catalog.string_agg(e.enumlabel, ', ' order by e.enumsortorder)
         from pg_catalog.pg_enum e where e.enumtypid = t.oid), '')
       || case when t.typtype = 'd' then pg_catalog.format_type(t.typbasetype, t.typtypmod) || ' ' || t.typnotnull
            || ' ' || coalesce(t.typdefault, '') else '' end
       || coalesce((select pg_catalog.string_agg(k.conname || ' ' || pg_catalog.pg_get_constraintdef(k.oid), ' '
            order by k.conname) from pg_catalog.pg_constraint k where k.contypid = t.oid), '')
       || coalesce((select pg_catalog.string_agg(a.attname || ' ' || pg_catalog.format_type(a.atttypid, a.atttypmod),
            ', ' order by a.attnum) from pg_catalog.pg_attribute a
            where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped), '')
       || {acl t.typacl}
     from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace
     left join pg_catalog.pg_class c on c.oid = t.typrelid
     where {own} and {free pg_type t} and (t.typtype in ('e', 'd', 'r') or c.relkind = 'c')",
    "select 'extension ' || pg_catalog.quote_ident(e.extname), e.extversion || ' in ' || n.nspname
     from pg_catalog.pg_extension e join pg_catalog.pg_namespace n on n.oid = e.extnamespace",
    "select 'event trigger ' || pg_catalog.quote_ident(e.evtname),
       e.evtevent || ' ' || e.evtfoid::pg_catalog.regprocedure::text || ' ' || e.evtenabled::text
     from pg_catalog.pg_event_trigger e",
    "select 'default privileges of ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(d.defaclrole)) || ' for '
       || d.defaclobjtype::text || coalesce(' in schema ' || pg_catalog.quote_ident(n.nspname), ''), {acl d.defaclacl}
     from pg_catalog.pg_default_acl d left join pg_catalog.pg_namespace n on n.oid = d.defaclnamespace",
];

/// How many differences of one comparison are told.
const TOLD: usize = 20;

/// How the order of a table's columns begins: it is told, and does not count.
const ORDER: &str = "order of columns of ";

const ORDERS: &str = "select 'order of columns of ' || c.oid::pg_catalog.regclass::text,
       pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' order by a.attnum)
     from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     where c.relkind in ('r', 'p') and {own} group by c.oid";

fn filled(query: &str) -> String {
    let own = "n.nspname !~ '^pg_' \
               and n.nspname not in ('information_schema', 'tabellion', 'tabellion_rehearsal')";
    let mut text = query.replace("{own}", own);
    for (mark, close) in [("{free ", '}'), ("{acl ", '}')] {
        while let Some(start) = text.find(mark) {
            let Some(length) = text[start..].find(close) else {
                break;
            };
            let inner = text[start + mark.len()..start + length].to_owned();
            let filled = match inner.split_once(' ') {
                Some((class, alias)) => format!(
                    "not exists (select from pg_catalog.pg_depend f where f.objid = {alias}.oid and f.deptype = 'e' \
                     and f.classid = 'pg_catalog.{class}'::pg_catalog.regclass)"
                ),
                None => format!(
                    "coalesce(' granted ' || (select pg_catalog.string_agg(x::text, ', ' order by x::text) \
                     from pg_catalog.unnest({inner}) x), '')"
                ),
            };
            text.replace_range(start..=start + length, &filled);
        }
    }
    text
}

/// Objects by what they are called, with their definitions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Canonical(BTreeMap<String, String>);

/// What leads from one state back to another: for each object that differs, how it is there.
pub(super) struct Delta(Vec<(String, Option<String>)>);

impl Canonical {
    pub(super) async fn read(client: &Client) -> Result<Self, MigrateError> {
        let failed = |error| MigrateError::server("reading the catalog", &error);
        let messages = client.simple_query(SCHEMAS).await.map_err(failed)?;
        let schemas: Vec<&str> = rows(&messages).filter_map(|row| row.get(0)).collect();
        let snapshot = Snapshot::read(client, schemas).await.map_err(failed)?;
        let objects = snapshot.objects.into_iter();
        let mut all: BTreeMap<String, String> = objects
            .map(|(object, definition)| (object.to_string(), definition))
            .collect();
        let queries: Vec<String> = OTHERS
            .iter()
            .chain([&ORDERS])
            .map(|query| filled(query))
            .collect();
        let message = format!(
            "begin read only;set local search_path = '';{};commit",
            queries.join(";")
        );
        let messages = client.simple_query(&message).await;
        if messages.is_err() {
            let _ = client.batch_execute("rollback").await;
        }
        for row in rows(&messages.map_err(failed)?) {
            if row.len() == 2 {
                let text = |index| row.get(index).unwrap_or_default().to_owned();
                all.insert(text(0), text(1));
            }
        }
        Ok(Canonical(all))
    }

    /// What leads back to an earlier state.
    pub(super) fn back_to(&self, earlier: &Canonical) -> Delta {
        let differ = self.apart(earlier);
        Delta(
            differ
                .map(|name| (name.clone(), earlier.0.get(name).cloned()))
                .collect(),
        )
    }

    /// The objects that are otherwise.
    pub(super) fn apart<'a>(&'a self, found: &'a Canonical) -> impl Iterator<Item = &'a String> {
        let names: BTreeSet<&String> = self.0.keys().chain(found.0.keys()).collect();
        let mut names = names.into_iter();
        std::iter::from_fn(move || names.find(|name| self.0.get(*name) != found.0.get(*name)))
    }

    /// What is otherwise there, a sentence each, and what of it does not count. Objects in `told` are not
    /// looked at.
    pub(super) fn differences(
        &self,
        found: &Canonical,
        told: &BTreeSet<String>,
    ) -> (Vec<String>, Vec<String>) {
        let is_lone = |name: &str| self.0.contains_key(name) != found.0.contains_key(name);
        let (mut differences, mut notes) = (Vec::new(), Vec::new());
        for name in self.apart(found).filter(|name| !told.contains(*name)) {
            let line = match (self.0.get(name), found.0.get(name)) {
                (Some(wanted), Some(found)) => {
                    format!("{name} differs: it was `{wanted}` and is `{found}`")
                }
                (Some(_), None) => format!("{name} is missing"),
                (None, _) => format!("{name} was not there before"),
            };
            // What hangs on a table that comes or goes says nothing more.
            let of = name
                .split_once(" on `")
                .map(|(_, rest)| format!("table `{rest}"));
            if of.is_some_and(|table| is_lone(&table)) {
                continue;
            }
            match name.strip_prefix(ORDER) {
                Some(table) if is_lone(name) || is_lone(&format!("table `{table}`")) => {}
                Some(_) => notes.push(line),
                None => differences.push(line),
            }
        }
        // Whoever adds or removes a column changes their order too.
        notes.retain(|_| differences.is_empty());
        let more = differences.len().saturating_sub(TOLD);
        if more > 0 {
            differences.truncate(TOLD);
            differences.push(format!("{more} more objects differ"));
        }
        (differences, notes)
    }
}

impl Delta {
    pub(super) fn applied_to(&self, state: &Canonical) -> Canonical {
        let mut reached = state.clone();
        for (name, definition) in &self.0 {
            match definition {
                Some(definition) => reached.0.insert(name.clone(), definition.clone()),
                None => reached.0.remove(name),
            };
        }
        reached
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(objects: &[(&str, &str)]) -> Canonical {
        let objects = objects.iter();
        Canonical(
            objects
                .map(|&(name, text)| (name.into(), text.into()))
                .collect(),
        )
    }

    #[test]
    fn a_delta_leads_back() {
        let before = state(&[("table `a.b`", "table"), ("view a.v", "one")]);
        let after = state(&[("view a.v", "two"), ("view a.w", "new")]);
        assert_eq!(after.back_to(&before).applied_to(&after), before);
        assert_eq!(before.back_to(&after).applied_to(&before), after);
    }

    #[test]
    fn a_lone_table_is_one_difference_and_an_order_is_a_note() {
        let before = state(&[
            (ORDER, "x"),
            ("order of columns of a.b", "a, b"),
            ("table `a.b`", "table"),
        ]);
        let moved = state(&[
            (ORDER, "x"),
            ("order of columns of a.b", "b, a"),
            ("table `a.b`", "table"),
        ]);
        let (differences, notes) = before.differences(&moved, &BTreeSet::new());
        assert!(
            differences.is_empty() && notes.len() == 1,
            "{differences:?} {notes:?}"
        );
        let more = state(&[
            ("order of columns of a.b", "a, b"),
            (ORDER, "x"),
            ("table `a.b`", "table"),
            ("table `a.c`", "table"),
            ("column `id` on `a.c`", "integer"),
            ("order of columns of a.c", "id"),
        ]);
        let (differences, _) = before.differences(&more, &BTreeSet::new());
        assert_eq!(differences, ["table `a.c` was not there before"]);
    }
}
