-- Every protection of the tables {tables}, one by one, with the statement that takes it away; the roles {roles} are
-- all that the schema knows. Kinds in the order in which they are told.
with tables as (
  select c.oid, c.relowner, c.oid::regclass::text as name, c.relrowsecurity, c.relforcerowsecurity, c.relacl
  from pg_class c
  where c.oid in (select t.oid from unnest({tables}) as n (name), to_regclass(n.name) as t (oid))
    or c.oid in (select p.relid from unnest({tables}) as n (name), pg_partition_tree(to_regclass(n.name)) as p)
), policies as (
  select p.polname as name, t.name as on_table, u.side, pg_get_expr(u.expr, t.oid) as expr
  from pg_policy p join tables t on t.oid = p.polrelid,
    lateral (values ('using', p.polqual), ('with check', p.polwithcheck)) as u (side, expr)
), parties as (
  select unnest({roles}) as name
  union select rolname::text from pg_roles where rolname in ('anon', 'authenticated')
  union select 'public'
), sequences as (
  select s.oid, s.oid::regclass::text as name, s.relowner, s.relacl, t.name as on_table
  from pg_class s join pg_depend d on d.objid = s.oid and d.classid = 'pg_class'::regclass
    join tables t on t.oid = d.refobjid
  where s.relkind = 'S' and d.deptype in ('a', 'i')
), functions as (
  -- That look memberships up for policies.
  select p.oid, p.oid::regprocedure::text as name, p.proowner, p.proacl, min(t.name) as on_table
  from pg_depend d join pg_policy o on o.oid = d.objid join tables t on t.oid = o.polrelid
    join pg_proc p on p.oid = d.refobjid
  where d.classid = 'pg_policy'::regclass and d.refclassid = 'pg_proc'::regclass
    and p.pronargs = 0 and p.proname::text ~ ('^' || {lookup} || '.*_[0-9a-f]{8}$')
  group by p.oid
), things as (
  select 'table' as kind, oid, name, relowner, coalesce(relacl, acldefault('r', relowner)) as acl, name as on_table
  from tables
  union all
  select 'sequence', oid, name, relowner, coalesce(relacl, acldefault('s', relowner)), on_table from sequences
  union all
  select 'function', oid, name, proowner, coalesce(proacl, acldefault('f', proowner)), on_table from functions
), missing as (
  select t.kind, t.name, t.on_table, p.name as party,
    array_agg(a.privilege order by a.number) as privileges,
    count(*) = max(array_length(k.privileges, 1)) and not exists (
      select from pg_attribute c, aclexplode(c.attacl) x left join pg_roles r on r.oid = x.grantee
      where t.kind = 'table' and c.attrelid = t.oid and coalesce(r.rolname::text, 'public') = p.name) as is_all
  from things t
  cross join parties p
  cross join lateral (select case t.kind
    when 'table' then array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger']
    when 'function' then array['execute']
    else array['usage', 'select', 'update'] end) as k (privileges)
  cross join lateral unnest(k.privileges) with ordinality as a (privilege, number)
  where not exists (
    select from aclexplode(t.acl) x left join pg_roles r on r.oid = x.grantee
    where coalesce(r.rolname::text, 'public') = p.name and lower(x.privilege_type) = a.privilege)
    and not exists (select from pg_roles r where r.rolname = p.name
      and (r.rolsuper or r.rolbypassrls or r.oid = t.relowner))
  group by t.kind, t.oid, t.name, t.on_table, p.name
), grants as (
  -- To whom nothing is granted, all at once; to whom something is, be it by column, each of the others by itself.
  select kind, name, on_table, party, g.privilege from missing,
    lateral unnest(case when is_all then array['all'] else privileges end) as g (privilege)
), guards (number, what, pattern, bare, has) as (values
  -- A text between quotes is passed over whole. The first repetition says of all whether the shortest match counts.
  (1, 'empty text',
    ' AND \(\(?(?:(?:"[^"]+"|\w+)\.)?(?:"[^"]+"|\w+)(?:\)::text)? (?:<>|>) ''''::(?:text|bpchar|character varying)\)', '', ''),
  (2, 'empty setting',
    'NULLIF\((\(\s+?SELECT\s(?:(?!NULLIF\()[^'']|''[^'']*'')*?(?:current_setting|setting)\)), ''''::text\)', '\1', ''),
  (3, 'type of a claim', '\(jsonb_typeof\(setting\.given\) = ''string''::text\)', 'true', ''),
  (4, 'text of an enumeration',
    ' AND \(\(\s*?setting\.given #>> (?:[^'']|''[^'']*'')*? THEN', ') THEN', ''),
  (5, 'form of a value',
    '(CASE\s+?WHEN )(?:(?!CASE\s)[^'']|''[^'']*'')*?( THEN)', '\1true\2', 'setting\.given'),
  (6, 'nothing said', ' OR \((.+?) <> \1\)', ' OR false', '')
), unguarded as (
  -- One for each place. A guard of one kind may be all that another kind guards by.
  select distinct on (p.on_table, p.name, p.side, b.bare) p.on_table, p.name, p.side, g.what, n.number, b.bare
  from policies p cross join guards g
  cross join lateral generate_series(1, regexp_count(p.expr, g.pattern)) as n (number)
  cross join lateral (values (regexp_replace(p.expr, g.pattern, g.bare, 1, n.number))) as b (bare)
  where regexp_substr(p.expr, g.pattern, 1, n.number) ~ g.has
  order by p.on_table, p.name, p.side, b.bare, g.number
), numbered as (
  select *, row_number() over (kinds order by number) as at, count(*) over kinds as amount
  from unguarded window kinds as (partition by on_table, name, side, what)
), mutants (number, on_table, kind, what, statement) as (
  select distinct 1, on_table, 'policy', format('%s: policy "%s"', on_table, name),
    format('drop policy %I on %s', name, on_table)
  from policies
  union all
  select case side when 'using' then 2 else 3 end, on_table, side, format('%s: policy "%s"', on_table, name),
    format('alter policy %I on %s %s (true)', name, on_table, side)
  from policies where expr is not null and expr <> 'true'
  union all
  select 4, name, 'enable', name,
    format('alter table %s disable row level security', name) from tables where relrowsecurity
  union all
  select 5, name, 'force', name, format('alter table %s no force row level security', name)
  from tables where relforcerowsecurity
  union all
  select 6, on_table, 'revoke', format('%s from %s on %s %s', privilege, party, kind, name),
    format('grant %s on %s %s to %s', privilege, kind, name, case party when 'public' then 'public' else quote_ident(party) end)
  from grants
  union all
  select 7, on_table, 'guard',
    format('%s: policy "%s", %s, %s', on_table, name, side, what)
      || case when amount > 1 then format(' %s of %s', at, amount) else '' end,
    format('alter policy %I on %s %s (%s)', name, on_table, side, bare)
  from numbered
  union all
  select 8, on_table, 'function', format('%s: its %s', name, m.what), replace(m.statement, '%s', name)
  from functions f, lateral (values
    ('condition', regexp_replace(pg_get_functiondef(f.oid), '(;\nend\n[^\n]*\n?)$', ' or true\1')),
    ('rights', 'alter function %s security invoker'),
    ('search path', 'alter function %s reset all')
  ) as m (what, statement)
)
select kind, what, statement, on_table from mutants order by number, what, statement
