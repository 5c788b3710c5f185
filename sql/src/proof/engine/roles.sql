-- No policy binds a superuser, a role with BYPASSRLS, or, without FORCE, an owner: whoever acts for tenants is none,
-- nor are the logins that become it (of `logins`, where given), and none of them reaches one by its memberships, or
-- what PostgreSQL reads and writes everything by. CREATEROLE leads there, on PostgreSQL 15 to every role that is no
-- superuser, and REPLICATION reads every row that is written. Who acts for one scope does not act for another one, makes
-- nothing that others then call, and calls no function that sees rows before policies do.
create function pg_temp.prove_roles(logins text[]) returns text
language plpgsql set search_path from current as $$
declare
  r record;
begin
  for r in
    with recursive tables as (
      select distinct c.relowner as oid, c.oid::regclass::text as name, c.relnamespace
      from pg_temp.rls_table t, pg_temp.relations(t.name) c
    ), sole (oid) as (
      -- Who owns everything may act for tenants too, and so may who does as a member of it: the tables are FORCED.
      select max(t.oid) from tables t join pg_roles p using (oid)
      having count(distinct t.oid) = 1 and not bool_or(p.rolname in (select role from pg_temp.rls_grant))
    ), acting (oid) as (
      select p.oid from pg_roles p where p.rolname in (select role from pg_temp.rls_grant)
      union
      -- Since PostgreSQL 16 whoever creates a role is a member that may grant it, and no more.
      select m.member from pg_auth_members m join acting a on a.oid = m.roleid, to_jsonb(m) as option
      where coalesce(option ->> 'set_option' = 'true' or option ->> 'inherit_option' = 'true', true)
        and a.oid not in (select oid from sole)
    ), owned as (
      select oid, 2 as place, name from tables
      union all
      select nspowner, 1, 'schema ' || oid::regnamespace from pg_namespace where oid in (select relnamespace from tables)
      union all
      select datdba, 0, 'the database' from pg_database where datname = current_database()
    ), looked_at as (
      select p.oid, p.rolname, p.rolname in (select role from pg_temp.rls_grant) as is_scope
      from pg_roles p join acting a on a.oid = p.oid
      where p.rolname in (select role from pg_temp.rls_grant)
        or p.rolcanlogin and p.rolname not in (current_user, session_user)
          and p.rolname = any (coalesce(logins, array[p.rolname::text]))
          and p.oid not in (select oid from sole)
    ), reached (who, oid) as (
      select oid, oid from looked_at
      union
      select x.who, m.roleid from reached x join pg_auth_members m on m.member = x.oid
    )
    select l.rolname, p.rolname as reached, p.oid = l.oid as is_own, case
        when p.rolsuper then 'a superuser'
        -- Supabase's own login becomes its administrators too.
        when p.rolbypassrls and (logins is null or l.is_scope or p.oid = l.oid) then 'one with BYPASSRLS'
        when o.name is not null then 'one with the rights of the owner of ' || o.name
        when p.rolcreaterole and (logins is null or l.is_scope or p.oid = l.oid) then 'one with CREATEROLE'
        when p.rolreplication and (logins is null or l.is_scope or p.oid = l.oid) then 'one with REPLICATION'
        when p.rolname in ('pg_read_all_data', 'pg_write_all_data', 'pg_read_server_files', 'pg_write_server_files',
          'pg_execute_server_program') then 'one that reads or writes everything'
        when p.oid <> l.oid and l.is_scope and p.rolname in (select role from pg_temp.rls_grant)
          then 'one that acts for another scope'
        when l.is_scope or p.oid = l.oid then 'one that may create ' || m.what
      end as power
    from looked_at l join reached x on x.who = l.oid join pg_roles p on p.oid = x.oid
    left join lateral (select name from owned where owned.oid = p.oid order by place, name limit 1) o on true
    left join lateral (
      select 'objects in schema ' || n.oid::regnamespace as what from pg_namespace n
      where (n.nspname = 'public' or n.oid in (select relnamespace from tables))
        and has_schema_privilege(p.oid, n.oid, 'create')
      union all
      select 'schemas' where has_database_privilege(p.oid, current_database(), 'create')
      order by 1 limit 1
    ) m on true
    order by not l.is_scope, l.rolname, p.oid <> l.oid, p.rolname
  loop
    perform pg_temp.expect(
      format('role %s%s', r.rolname, case when r.is_own then '' else ', as a member of ' || r.reached end),
      'one that policies bind', coalesce(r.power, 'one that policies bind'));
  end loop;
  for r in
    select f.oid::regprocedure as name, p.rolname from pg_proc f, pg_roles p
    where f.proleakproof and f.oid >= 16384 and f.oid not in (
        select objid from pg_depend where classid = 'pg_proc'::regclass and deptype = 'e')
      and p.rolname in (select role from pg_temp.rls_grant) and has_function_privilege(p.oid, f.oid, 'execute')
    order by 1, 2
  loop
    perform pg_temp.expect(format('function %s, for %s', r.name, r.rolname), 'not leakproof', 'leakproof');
  end loop;
  return pg_temp.ok('the roles');
end $$;
