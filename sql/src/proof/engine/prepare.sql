-- Whether this login can prove anything here, and what would get in the way of its rows.
create function pg_temp.prepare() returns void
language plpgsql set search_path from current as $$
declare
  missing text;
  each record;
begin
  select name into missing from pg_temp.rls_table where to_regclass(name) is null order by name limit 1;
  if found then
    raise exception 'table % does not exist; apply the migrations first', missing;
  end if;
  select r.name into missing from pg_temp.rls_role r
  where not exists (select from pg_roles p where p.rolname = r.name) order by r.name limit 1;
  if found then
    raise exception 'role % does not exist; apply the migrations first', missing;
  end if;
  if not exists (select from pg_roles where rolname = current_user and (rolsuper or rolbypassrls)) then
    raise exception 'login % does not bypass row-level security, so that it cannot enter the rows to prove with; '
      'run this as a superuser, or as the owner of the tables with BYPASSRLS', current_user;
  end if;

  -- A stranger, and the roles of an API, where there are any: whoever may do nothing.
  insert into pg_temp.rls_role select rolname, false from pg_roles where rolname in ('anon', 'authenticated')
  on conflict do nothing;
  begin
    create role rls_tests_stranger;
    if not exists (select from pg_roles where rolname = current_user and rolsuper) then
      execute format('grant rls_tests_stranger to %I', current_user);
    end if;
    insert into pg_temp.rls_role values ('rls_tests_stranger');
  exception when insufficient_privilege or duplicate_object then
    null; -- what PUBLIC may do is in the privileges too
  end;
  for each in select name, declared from pg_temp.rls_role order by name loop
    begin
      perform set_config('role', each.name, true);
      raise exception using errcode = 'RLS00';
    exception
      when sqlstate 'RLS00' then null;
      when insufficient_privilege then
        if not each.declared then
          delete from pg_temp.rls_role where name = each.name;
          continue;
        end if;
        raise exception 'login % cannot become role %; run this as a superuser, or grant that role to the login',
          current_user, each.name;
    end;
  end loop;

  -- Foreign keys and triggers are not what is proven: where the login may, they are turned off; else the
  -- foreign keys are dropped, until the end of this transaction.
  begin
    perform set_config('session_replication_role', 'replica', true);
  exception when insufficient_privilege then
    for each in
      select distinct c.conrelid::regclass as relation, c.conname from pg_constraint c
      join pg_temp.rls_table t on to_regclass(t.name) in (c.conrelid, c.confrelid)
      where c.contype = 'f' and c.conparentid = 0
      order by 1, 2
    loop
      execute format('alter table %s drop constraint %I', each.relation, each.conname);
    end loop;
  end;

  for each in
    select distinct c.oid::regclass as relation from pg_temp.rls_table t, pg_temp.relations(t.name) c
    join pg_trigger g on g.tgrelid = c.oid and not g.tgisinternal
    where g.tgenabled = 'A' or g.tgenabled = 'O' and current_setting('session_replication_role') <> 'replica'
    order by 1
  loop
    execute format('alter table %s disable trigger user', each.relation);
  end loop;

  -- The rows. A constraint that refuses one is dropped, until the end of this transaction: it is not what is
  -- proven either. So a partitioned table gets a partition for what none of its own takes.
  for each in select on_table, string_agg(format('(%s)', is_row), ' or ' order by number) as own
    from pg_temp.rls_row group by on_table order by on_table
  loop
    execute format('delete from %s where %s', each.on_table, each.own);
  end loop;
  for each in select * from pg_temp.rls_row order by number loop
    perform pg_temp.enter(each.on_table, each.label, each.entry);
  end loop;
  for each in
    select i.name, i.copy, string_agg(format('(%s)', r.is_row), ' or ') as own
    from pg_temp.rls_itself i join pg_temp.rls_row r on r.on_table = i.name group by i.name order by i.name
  loop
    execute format('create temp table rls_copy_%s as select * from %s where %s', each.copy, each.name, each.own);
  end loop;
end $$;

create function pg_temp.enter(the_table text, row_label text, entry text) returns void
language plpgsql set search_path from current as $$
declare
  stopped text;
  why text;
  at_table text;
  is_unique boolean;
begin
  for attempts in 1..30 loop
    begin
      execute entry;
      return;
    exception
      when check_violation or foreign_key_violation or exclusion_violation or unique_violation then
        get stacked diagnostics stopped = constraint_name, why = message_text, at_table = table_name;
        is_unique := sqlstate = '23505';
      when others then
        raise exception '%: % cannot be entered: %', the_table, row_label, sqlerrm;
    end;
    if stopped = '' then
      execute format('create table %s.rls_tests_partition_%s partition of %s default',
        (select relnamespace::regnamespace from pg_class where oid = to_regclass(the_table)),
        to_regclass(the_table)::oid, the_table);
    elsif is_unique then
      perform pg_temp.drop_key(the_table, at_table, stopped);
    else
      execute format('alter table %s drop constraint %I', the_table, stopped);
    end if;
  end loop;
  raise exception '%: % cannot be entered: %', the_table, row_label, why;
end $$;

-- Drops a key that is not the one by which rows are found again; of a partitioned table, the whole one.
create function pg_temp.drop_key(the_table text, at_table text, key_name text) returns void
language plpgsql set search_path from current as $$
declare
  key record;
begin
  with recursive up (oid) as (
    select i.indexrelid from pg_index i
    join pg_class c on c.oid = i.indexrelid and c.relname = key_name
    join pg_class t on t.oid = i.indrelid and t.relname = at_table
    where i.indrelid = to_regclass(the_table)
      or i.indrelid in (select relid from pg_partition_tree(to_regclass(the_table)))
    union
    select h.inhparent from up join pg_inherits h on h.inhrelid = up.oid
  )
  select i.indexrelid::regclass as name, i.indrelid::regclass as relation, i.indisprimary, k.conname into key
  from up join pg_index i on i.indexrelid = up.oid left join pg_constraint k on k.conindid = up.oid and k.contype = 'u'
  where i.indrelid = to_regclass(the_table) limit 1;
  if not found or key.indisprimary then
    raise exception '%: key "%" lets no row of the tests in beside those that are there', the_table, key_name;
  elsif key.conname is null then
    execute format('drop index %s cascade', key.name);
  else
    execute format('alter table %s drop constraint %I cascade', key.relation, key.conname);
  end if;
end $$;

-- The table and its partitions, but for the one that the rows may have needed.
create function pg_temp.relations(the_table text) returns setof pg_class
language sql set search_path from current as $$
  select c.* from pg_class c
  where (c.oid = to_regclass(the_table) or c.oid in (select relid from pg_partition_tree(to_regclass(the_table))))
    and c.relname <> format('rls_tests_partition_%s', to_regclass(the_table)::oid)
$$;
