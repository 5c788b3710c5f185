-- Whatever else rows of a table might be read or changed by, past its policies: a partition that is none any more, a
-- parent or a child by inheritance, a rule, and a view that reads, or a rule of another that runs, as its owner.
create function pg_temp.prove_surroundings(the_table text) returns void
language plpgsql set search_path from current as $$
declare
  wrong record;
begin
  for wrong in
    select d.name, to_regclass(d.name) is null as is_missing from pg_temp.rls_partition d
    where d.on_table = the_table
      and coalesce(to_regclass(d.name) not in (select relid from pg_partition_tree(to_regclass(the_table))), true)
    order by d.name
  loop
    perform pg_temp.expect(format('%s: partition %s', the_table, wrong.name), 'attached',
      case when wrong.is_missing then 'none' else 'detached' end);
  end loop;
  for wrong in
    select i.inhrelid = c.oid as is_child,
      case when i.inhrelid = c.oid then i.inhparent else i.inhrelid end::regclass as other, c.oid::regclass as relation
    from pg_temp.relations(the_table) c join pg_inherits i on c.oid in (i.inhrelid, i.inhparent)
    join pg_class child on child.oid = i.inhrelid
    where not child.relispartition
    order by 2, 3
  loop
    perform pg_temp.expect(
      format('%s: inheritance of %s %s %s', the_table, wrong.relation, case when wrong.is_child then 'from' else 'by' end,
        wrong.other), 'none', 'one');
  end loop;
  for wrong in
    select w.rulename, c.oid::regclass as relation
    from pg_temp.relations(the_table) c join pg_rewrite w on w.ev_class = c.oid order by 1, 2
  loop
    perform pg_temp.expect(format('%s: rule "%s" on %s', the_table, wrong.rulename, wrong.relation), 'none', 'one');
  end loop;
  -- What is read by a view that reads as its owner, is so by each view that it reads in turn. It opens the table where
  -- policies do not bind the owner, and where the owner acts for a scope that whoever uses it does not act for; and where
  -- a materialized view stands between, for that holds what its owner saw, and is no more for who acts for a scope to own.
  -- So does what any other rule does, of a view with security_invoker too, for whoever holds the privilege on what it
  -- rewrites. A rule depends on its own relation always, which counts only where another of its rules leads on.
  for wrong in
    with recursive reading (oid, rule, privilege, is_copy) as (
      select c.oid, null::name, null, false from pg_temp.relations(the_table) c
      where (select secured from pg_temp.rls_table where name = the_table)
      union
      select w.ev_class, case when w.ev_type <> '1' then w.rulename end,
        case w.ev_type when '2' then 'UPDATE' when '3' then 'INSERT' when '4' then 'DELETE' else r.privilege end,
        r.is_copy or c.relkind = 'm'
      from reading r
      join pg_depend d on d.refclassid = 'pg_class'::regclass and d.refobjid = r.oid
        and d.classid = 'pg_rewrite'::regclass
      join pg_rewrite w on w.oid = d.objid join pg_class c on c.oid = w.ev_class
      where c.oid <> r.oid or w.ev_type <> '1' and r.rule is not null
    )
    select distinct
      case when rule is not null then format('rule "%s" on %s, which runs', rule, v.oid::regclass)
        else format('%s %s, which reads', case v.relkind when 'm' then 'materialized view' else 'view' end, v.oid::regclass)
      end as opening,
      v.oid::regclass as relation, coalesce(g.rolname, 'PUBLIC') as role, a.grantee = v.relowner as is_owner
    from reading join pg_class v using (oid) join pg_roles o on o.oid = v.relowner, lateral (
      select a.grantee, a.privilege_type from aclexplode(v.relacl) a
      union
      select a.grantee, a.privilege_type from pg_attribute t, aclexplode(t.attacl) a where t.attrelid = v.oid
      union
      select v.relowner, 'SELECT'
    ) a
    left join pg_roles g on g.oid = a.grantee
    where (v.relkind in ('v', 'm') or rule is not null)
      and not (v.relkind = 'v' and rule is null and coalesce((select x.option_value::boolean from pg_options_to_table(v.reloptions) x
        where x.option_name = 'security_invoker'), false))
      and a.privilege_type in ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
      and a.privilege_type = coalesce(reading.privilege, a.privilege_type)
      -- Whoever may become one whom no policy binds reads the table itself.
      and not exists (
        select from pg_roles f where (f.rolsuper or f.rolbypassrls) and pg_has_role(g.oid, f.oid, 'member'))
      and case when a.grantee = v.relowner then
        v.relkind = 'm' and exists (
          select from pg_roles s
          where s.rolname in (select role from pg_temp.rls_grant) and pg_has_role(o.oid, s.oid, 'member'))
        -- Whoever may become the owner of the table may act for tenants too.
        and not (select pg_has_role(o.oid, c.relowner, 'member') from pg_class c where c.oid = to_regclass(the_table))
      else
        reading.is_copy or o.rolsuper or o.rolbypassrls or exists (
          select from pg_roles s where s.rolname in (select role from pg_temp.rls_grant)
            and pg_has_role(o.oid, s.oid, 'usage') and not coalesce(pg_has_role(g.oid, s.oid, 'member'), false))
      end
    order by 1, 3
  loop
    if wrong.is_owner then
      perform pg_temp.expect(format('%s: materialized view %s, for %s', the_table, wrong.relation, wrong.role),
        'another owner', 'its owner');
    end if;
    perform pg_temp.expect(
      format('%s: %s as its owner, for %s', the_table, wrong.opening, wrong.role), 'no grant', 'a grant');
  end loop;
end $$;

-- The functions that look memberships up for the policies of a table: what they run, as whom, and who may call them.
-- Nobody but whom no policy binds finds anything in one, so that its owner has to be such a role.
create function pg_temp.prove_lookups(the_table text) returns void
language plpgsql set search_path from current as $$
declare
  l record;
  wrong record;
begin
  for l in
    select d.*, p.oid, p.proacl, p.proowner, o.rolsuper or o.rolbypassrls as is_free,
      p.prosecdef and p.provolatile = 's' and p.proparallel = 's' and not p.proisstrict and not p.proleakproof and p.proconfig = array['search_path=pg_catalog, pg_temp'] and p.prosrc = d.body
        and p.proretset and p.prorettype = d.returns::regtype and n.lanname = 'plpgsql' as is_it
    from pg_temp.rls_lookup d
    left join pg_proc p on p.oid = to_regprocedure(d.name || '()')
    left join pg_language n on n.oid = p.prolang left join pg_roles o on o.oid = p.proowner
    where d.on_table = the_table order by d.name
  loop
    perform pg_temp.expect(format('%s: function %s', the_table, l.name), 'what the struct says',
      case when l.oid is null then 'none' when l.is_it then 'what the struct says' else 'something else' end);
    perform pg_temp.expect(format('%s: the owner of function %s', the_table, l.name), 'one whom no policy binds',
      case when l.is_free then 'one whom no policy binds' else 'another one' end);
    for wrong in
      with held as (
        select coalesce(g.rolname::text, 'PUBLIC') as role, a.is_grantable
        from aclexplode(coalesce(l.proacl, acldefault('f', l.proowner))) a left join pg_roles g on g.oid = a.grantee
        where a.grantee <> l.proowner and not coalesce(g.rolsuper or g.rolbypassrls, false)
      ), declared as (select unnest(l.roles), false)
      (select true as is_held, role from (select * from held except select * from declared) x (role, is_grantable))
      union all
      (select false, role from (select * from declared except select * from held) y (role, is_grantable))
      order by role
    loop
      perform pg_temp.expect(format('%s: EXECUTE of %s on %s', the_table, wrong.role, l.name),
        case when wrong.is_held then 'none' else 'a grant' end,
        case when wrong.is_held then 'a grant' else 'none' end);
    end loop;
  end loop;
end $$;

-- What the catalog says of a table: row-level security, policies, and every privilege of everyone but its owner and
-- whoever no policy binds; and what is made of the table.
create function pg_temp.prove_catalog(the_table text) returns text
language plpgsql set search_path from current as $$
declare
  is_secured boolean := (select secured from pg_temp.rls_table where name = the_table);
  r record;
  wrong record;
begin
  perform pg_temp.prove_surroundings(the_table);
  perform pg_temp.prove_lookups(the_table);
  for r in
    select c.oid, c.oid::regclass as name, c.relrowsecurity, c.relforcerowsecurity
    from pg_temp.relations(the_table) c
    order by c.oid <> to_regclass(the_table), c.relname
  loop
    perform pg_temp.expect(format('%s: row-level security of %s', the_table, r.name),
      case when is_secured then 'enabled' else 'disabled' end,
      case when r.relrowsecurity then 'enabled' else 'disabled' end);
    perform pg_temp.expect(format('%s: row-level security of %s for its owner', the_table, r.name),
      case when is_secured then 'forced' else 'not forced' end,
      case when r.relforcerowsecurity then 'forced' else 'not forced' end);
    for wrong in
      with declared as (
        select role, upper(unnest(commands)) as privilege, false as passes_on, '' as part
        from pg_temp.rls_grant where to_regclass(on_table) = r.oid
        union all
        select role, upper(command), false, ', column ' || unnest(columns)
        from pg_temp.rls_column_grant where to_regclass(on_table) = r.oid
      ), held as (
        select coalesce(g.rolname, 'PUBLIC') as role, a.privilege_type as privilege, a.is_grantable as passes_on, a.part
        from pg_class c, lateral (
          select *, '' as part from aclexplode(coalesce(c.relacl, acldefault('r', c.relowner)))
          union all
          select x.*, ', column ' || t.attname from pg_attribute t, aclexplode(t.attacl) x where t.attrelid = c.oid
        ) a
        left join pg_roles g on g.oid = a.grantee
        where c.oid = r.oid and a.grantee <> c.relowner and not coalesce(g.rolsuper or g.rolbypassrls, false)
      )
      (select true as is_held, role, privilege, part from (select * from held except select * from declared) x)
      union all
      (select false, role, privilege, part from (select * from declared except select * from held) y)
      order by role, privilege, part
    loop
      perform pg_temp.expect(format('%s: %s of %s on %s%s', the_table, wrong.privilege, wrong.role, r.name, wrong.part),
        case when wrong.is_held then 'none' else 'a grant' end,
        case when wrong.is_held then 'a grant' else 'none' end);
    end loop;
  end loop;
  for wrong in
    with relations as (select oid from pg_temp.relations(the_table)), declared as (
      select rel.oid, name, case command when 'all' then '*' else substr(replace(command, 'select', 'r'), 1, 1) end as command,
        permissive, (select array_agg(x::text order by x) from unnest(roles) as x) as roles
      from pg_temp.rls_policy cross join relations rel where on_table = the_table
    ), held as (
      select polrelid, polname::text, case polcmd when 'a' then 'i' when 'w' then 'u' else polcmd::text end, polpermissive,
        (select array_agg(coalesce(g.rolname::text, 'public') order by g.rolname::text)
         from unnest(polroles) as x left join pg_roles g on g.oid = x)
      from pg_policy where polrelid in (select oid from relations)
    )
    (select true as is_held, oid, name from (select * from held except select * from declared) x (oid, name))
    union all
    (select false, oid, name from (select * from declared except select * from held) y)
    order by name, oid
  loop
    perform pg_temp.expect(
      format('%s: policy "%s" on %s, with its command and roles', the_table, wrong.name, wrong.oid::regclass),
      case when wrong.is_held then 'none' else 'one' end, case when wrong.is_held then 'one' else 'none' end);
  end loop;
  for wrong in
    select s.oid::regclass as name, a.privilege_type, coalesce(g.rolname, 'PUBLIC') as role, true as is_held
    from pg_depend d join pg_class s on s.oid = d.objid and s.relkind = 'S',
      lateral aclexplode(coalesce(s.relacl, acldefault('s', s.relowner))) a
      left join pg_roles g on g.oid = a.grantee
    where d.refobjid = to_regclass(the_table) and d.classid = 'pg_class'::regclass and d.deptype in ('a', 'i')
      and a.grantee <> s.relowner and not coalesce(g.rolsuper or g.rolbypassrls, false)
      and (a.is_grantable or a.privilege_type <> 'USAGE' or not exists (
        select from pg_temp.rls_sequence q where to_regclass(q.name) = s.oid and g.rolname = any (q.roles)))
    union all
    select s.oid::regclass, 'USAGE', w.role, false
    from pg_temp.rls_sequence q cross join unnest(q.roles) as w (role)
    join pg_class s on s.oid = to_regclass(q.name)
    join pg_depend d on d.objid = s.oid and d.classid = 'pg_class'::regclass and d.refobjid = to_regclass(the_table)
    where not has_sequence_privilege(w.role, s.oid, 'usage')
    order by 1, 3, 2
  loop
    perform pg_temp.expect(format('%s: %s of %s on %s', the_table, wrong.privilege_type, wrong.role, wrong.name),
      case when wrong.is_held then 'none' else 'a grant' end,
      case when wrong.is_held then 'a grant' else 'none' end);
  end loop;
  for wrong in
    select distinct s.oid::regclass as name, o.rolname as role
    from pg_attrdef f join pg_depend d on d.classid = 'pg_attrdef'::regclass and d.objid = f.oid
      and d.refclassid = 'pg_class'::regclass
    join pg_class s on s.oid = d.refobjid and s.relkind = 'S' join pg_roles o on o.oid = s.relowner
    where f.adrelid = to_regclass(the_table) and exists (
      select from pg_roles p where p.rolname in (select role from pg_temp.rls_grant)
        and not p.rolsuper and pg_has_role(p.oid, o.oid, 'member'))
    order by 1, 2
  loop
    perform pg_temp.expect(format('%s: sequence %s, for %s', the_table, wrong.name, wrong.role),
      'another owner', 'its owner');
  end loop;
  return pg_temp.ok(format('%s, the catalog', the_table));
end $$;
