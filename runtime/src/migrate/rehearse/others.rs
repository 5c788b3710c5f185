//! What no snapshot of tables holds, and migrations by hand make: views, functions, types, sequences,
//! extensions, default privileges, owners; and of all the rest that it exists.
//!
//! Each query gives two texts a row: what the object is called, and how it is defined.
//! Source: <https://www.postgresql.org/docs/15/catalogs.html>.

/// How the order of a table's columns begins.
pub(super) const ORDER: &str = "order of columns of ";

/// How an extension begins.
pub(super) const EXTENSION: &str = "extension ";

/// What stands before the PostgreSQL schema of an extension.
pub(super) const LIES_IN: &str = " in ";

/// Catalogs of what is compared by its name alone, as `pg_identify_object` tells it.
const RARE: [&str; 17] = [
    "pg_am",
    "pg_cast",
    "pg_collation",
    "pg_conversion",
    "pg_foreign_data_wrapper",
    "pg_foreign_server",
    "pg_language",
    "pg_opclass",
    "pg_operator",
    "pg_opfamily",
    "pg_publication",
    "pg_statistic_ext",
    "pg_transform",
    "pg_ts_config",
    "pg_ts_dict",
    "pg_ts_parser",
    "pg_ts_template",
];

/// A condition: the namespace `n` is one that a migration may make something in.
pub(super) const OWN: &str = "n.nspname !~ '^pg_' \
    and n.nspname not in ('information_schema', 'tabellion', 'tabellion_rehearsal')";

/// A condition: no extension has brought the object `alias`.
fn free(catalog: &str, alias: &str) -> String {
    format!(
        "not exists (select from pg_catalog.pg_depend f where f.objid = {alias}.oid and f.deptype = 'e' \
         and f.classid = 'pg_catalog.{catalog}'::pg_catalog.regclass)"
    )
}

/// Who owns it and who may do what with it, so that absent and default privileges read alike.
fn held(kind: char, acl: &str, owner: &str) -> String {
    format!(
        "' owned by ' || pg_catalog.pg_get_userbyid({owner}) || coalesce(' granted ' || ({}), '')",
        list(&format!(
            "coalesce({acl}, pg_catalog.acldefault('{kind}'::\"char\", {owner}))"
        ))
    )
}

fn list(acl: &str) -> String {
    format!(
        "select pg_catalog.string_agg(x::pg_catalog.text, ', ' order by x::pg_catalog.text)
         from pg_catalog.unnest({acl}) x"
    )
}

/// Every query.
pub(super) fn queries() -> Vec<String> {
    let mut all = vec![
        views(),
        sequences(),
        functions(),
        types(),
        default_privileges(),
    ];
    all.push(format!(
        "select 'owner on `' || pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) || '`',
           pg_catalog.pg_get_userbyid(c.relowner)
         from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         where c.relkind in ('r', 'p') and {OWN}"
    ));
    all.push(format!(
        "select 'owner of schema ' || pg_catalog.quote_ident(n.nspname), pg_catalog.pg_get_userbyid(n.nspowner)
         from pg_catalog.pg_namespace n where {OWN}"
    ));
    all.push(format!(
        "select '{EXTENSION}' || pg_catalog.quote_ident(e.extname),
           e.extversion || '{LIES_IN}' || pg_catalog.quote_ident(n.nspname)
         from pg_catalog.pg_extension e join pg_catalog.pg_namespace n on n.oid = e.extnamespace"
    ));
    all.push(
        "select 'event trigger ' || pg_catalog.quote_ident(e.evtname),
           e.evtevent || ' ' || e.evtfoid::pg_catalog.regprocedure::pg_catalog.text || ' '
           || e.evtenabled::pg_catalog.text
         from pg_catalog.pg_event_trigger e"
            .into(),
    );
    all.push(format!(
        "select '{ORDER}' || pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname),
           pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' order by a.attnum)
         from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
         where c.relkind in ('r', 'p') and {OWN} group by n.nspname, c.relname"
    ));
    all.extend(RARE.map(rare));
    all
}

fn views() -> String {
    format!(
        "select 'view ' || pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname),
           c.relkind::pg_catalog.text || ' ' || pg_catalog.pg_get_viewdef(c.oid)
           || coalesce(c.reloptions::pg_catalog.text, '')
           || coalesce(' ' || (select pg_catalog.string_agg(pg_catalog.pg_get_indexdef(x.indexrelid), ' '
                order by x.indexrelid::pg_catalog.regclass::pg_catalog.text)
                from pg_catalog.pg_index x where x.indrelid = c.oid), '')
           || coalesce(' ' || (select pg_catalog.string_agg(pg_catalog.pg_get_triggerdef(t.oid), ' ' order by t.tgname)
                from pg_catalog.pg_trigger t where t.tgrelid = c.oid and not t.tgisinternal), '')
           || coalesce(' comment ' || pg_catalog.obj_description(c.oid, 'pg_class'), '') || {}
         from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         where c.relkind in ('v', 'm') and {OWN} and {}",
        held('r', "c.relacl", "c.relowner"),
        free("pg_class", "c")
    )
}

/// Those that no column owns.
fn sequences() -> String {
    format!(
        "select 'sequence ' || pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname),
           pg_catalog.format_type(q.seqtypid, null) || ' ' || q.seqstart || ' ' || q.seqincrement || ' ' || q.seqmin
           || ' ' || q.seqmax || ' ' || q.seqcache || ' ' || q.seqcycle || {}
         from pg_catalog.pg_sequence q join pg_catalog.pg_class c on c.oid = q.seqrelid
         join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         where {OWN} and {} and not exists (
           select from pg_catalog.pg_depend d where d.objid = c.oid and d.deptype in ('a', 'i')
             and d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass)",
        held('s', "c.relacl", "c.relowner"),
        free("pg_class", "c")
    )
}

/// Those that no trigger calls: the others are in a snapshot, but for their owner.
fn functions() -> String {
    format!(
        "select case p.prorettype when 'pg_catalog.trigger'::pg_catalog.regtype then 'owner of ' else '' end
           || 'function ' || p.oid::pg_catalog.regprocedure::pg_catalog.text,
           case when p.prorettype = 'pg_catalog.trigger'::pg_catalog.regtype then ''
             when p.prokind = 'a' then 'aggregate' else pg_catalog.pg_get_functiondef(p.oid) end
           || coalesce(' comment ' || pg_catalog.obj_description(p.oid, 'pg_proc'), '') || {}
         from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
         where {OWN} and {}",
        held('f', "p.proacl", "p.proowner"),
        free("pg_proc", "p")
    )
}

/// Enumerations, domains, ranges, composites.
fn types() -> String {
    format!(
        "select 'type ' || t.oid::pg_catalog.regtype::pg_catalog.text,
           t.typtype::pg_catalog.text || ' '
           || coalesce((select pg_catalog.string_agg(e.enumlabel, ', ' order by e.enumsortorder)
             from pg_catalog.pg_enum e where e.enumtypid = t.oid), '')
           || case when t.typtype = 'd' then pg_catalog.format_type(t.typbasetype, t.typtypmod)
                || ' ' || t.typnotnull || ' ' || coalesce(t.typdefault, '') else '' end
           || coalesce((select pg_catalog.string_agg(k.conname || ' ' || pg_catalog.pg_get_constraintdef(k.oid), ' '
                order by k.conname) from pg_catalog.pg_constraint k where k.contypid = t.oid), '')
           || coalesce((select pg_catalog.string_agg(a.attname || ' '
                || pg_catalog.format_type(a.atttypid, a.atttypmod), ', ' order by a.attnum)
                from pg_catalog.pg_attribute a
                where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped), '') || {}
         from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace
         left join pg_catalog.pg_class c on c.oid = t.typrelid
         where {OWN} and {} and (t.typtype in ('e', 'd', 'r') or c.relkind = 'c')",
        held('T', "t.typacl", "t.typowner"),
        free("pg_type", "t")
    )
}

fn default_privileges() -> String {
    format!(
        "select 'default privileges of ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(d.defaclrole)) || ' for '
           || d.defaclobjtype::pg_catalog.text || coalesce(' in schema ' || pg_catalog.quote_ident(n.nspname), ''),
           coalesce(({}), '')
         from pg_catalog.pg_default_acl d left join pg_catalog.pg_namespace n on n.oid = d.defaclnamespace",
        list("d.defaclacl")
    )
}

/// Objects of a catalog beyond those that a new database has; 16384 is the first number that it gives.
fn rare(catalog: &str) -> String {
    let definition = match catalog {
        "pg_statistic_ext" => "pg_catalog.pg_get_statisticsobjdef(o.oid)",
        _ => "''",
    };
    format!(
        "select i.type || ' ' || i.identity, {definition}
         from pg_catalog.{catalog} o
         cross join lateral pg_catalog.pg_identify_object('pg_catalog.{catalog}'::pg_catalog.regclass, o.oid, 0) i
         where o.oid >= 16384 and {}",
        free(catalog, "o")
    )
}
