-- The proof of row-level security, drawn from the structs: every command on every table, as its own tenant and as
-- another one, with nothing said about who asks and with an empty text, by the wrong role, with a forged tenant and
-- with one that an update moves; then what the policies say and what the catalog holds.
-- Written by the build; to change it, change the structs.
--
--     psql -v ON_ERROR_STOP=1 -f rls_tests.sql
--
-- It runs on any migrated database, empty or not, as a superuser or as an owner with BYPASSRLS, counts no rows but
-- its own, and undoes everything at its end. Meanwhile it holds locks: beside a database in use take a copy.
-- The first thing that is not as expected ends it with an error. It prints TAP, which `supabase test db` reads too.

begin;
set local client_min_messages = warning;
set local row_security = on;
set local search_path = pg_catalog, public, pg_temp;

-- What the structs declare is entered in these tables.

create temp table rls_table (
  place serial, name text primary key,
  secured boolean not null,
  asked boolean not null default true  -- whether anything is to be proven of it
);
create temp table rls_partition (on_table text, name text primary key);
create temp table rls_policy (
  on_table text, name text, command text, permissive boolean, roles text[],
  using_rows text, check_rows text,
  of_tenant boolean not null,  -- it says nothing but that a column equals what the scope says
  primary key (on_table, name)
);
create temp table rls_reads (
  on_table text, name text,    -- a table that policies read themselves, as whoever asks
  primary key (on_table, name)
);
create temp table rls_itself (
  name text primary key,       -- a table whose policies look its own rows up
  copy serial                  -- the number of the copy of its rows
);
create temp table rls_lookup (
  on_table text, name text,    -- a function that looks a membership up for policies of the table
  query text not null, returns text not null, body text not null, roles text[] not null,
  primary key (on_table, name)
);
create temp table rls_grant (on_table text, role text, commands text[], primary key (on_table, role));
create temp table rls_column_grant (on_table text, role text, command text, columns text[]);
create temp table rls_sequence (name text primary key, roles text[]);
create temp table rls_case (
  place serial, label text primary key,
  tenant text,                 -- whose scope it is, where every setting says the same
  settings jsonb not null,
  tables text[],               -- the tables that it is for, where not for all
  no_more_than text            -- the earlier case that it may open no more than
);
create temp table rls_row (
  number serial, on_table text, label text,
  tenant text,                 -- whose row it is, where every column that policies read says the same
  is_row text not null,        -- what finds it
  entry text not null,         -- what enters it
  contents text,               -- what makes another row like it, as far as policies read
  moves boolean not null,      -- whether an update may turn it into another one
  primary key (on_table, label)
);
create temp table rls_role (name text primary key, declared boolean not null default true);
create temp table rls_verdict (
  on_table text, role text, of_case text, label text,
  seen text, added text, reached text, kept text, removed text,
  primary key (on_table, role, of_case, label)
);

create temp table rls_proven (what text primary key);

-- Ends everything where what was found is not what was expected.
create function pg_temp.expect(what text, expected text, seen text) returns void
language plpgsql set search_path from current as $$
begin
  if seen is distinct from expected then
    raise exception '%: expected %, found %', what, expected, seen;
  end if;
end $$;

create function pg_temp.ok(what text) returns text
language sql set search_path from current as $$
  insert into pg_temp.rls_proven values (what) returning 'ok - ' || what
$$;

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

-- Tries one statement as a role, and says how it ended: how many rows it read, or, where `state` is given,
-- whether that differs afterwards for whoever bypasses the policies. Undoes everything, itself included.
create function pg_temp.attempt(who text, settings jsonb, before text, statement text, state text) returns text
language plpgsql set search_path from current as $$
declare
  runner text := current_setting('role');
  was text;
  became text;
  amount bigint;
begin
  begin
    if before is not null then
      execute before;
    end if;
    if state is not null then
      execute state into was;
    end if;
    perform set_config(key, value, true) from jsonb_each_text(settings);
    perform set_config('role', who, true);
    execute statement;
    get diagnostics amount = row_count;
    perform set_config('role', runner, true);
    if state is not null then
      execute state into became;
      amount := (was is distinct from became)::int;
    end if;
    raise exception using errcode = 'RLS00';
  exception
    when sqlstate 'RLS00' then null;
    when insufficient_privilege then return 'permission denied';
    when others then return 'error ' || sqlstate;
  end;
  return amount || case amount when 1 then ' row' else ' rows' end;
end $$;

-- Whether a predicate is true of a row, read as a plain WHERE by whoever bypasses the policies.
create function pg_temp.holds(the_table text, is_row text, predicate text, settings jsonb) returns text
language plpgsql set search_path from current as $$
declare
  amount bigint;
begin
  begin
    perform set_config(key, value, true) from jsonb_each_text(settings);
    execute format('select from %s where (%s) and (%s)', the_table, is_row, predicate);
    get diagnostics amount = row_count;
    raise exception using errcode = 'RLS00';
  exception
    when sqlstate 'RLS00' then null;
    when others then return 'error ' || sqlstate;
  end;
  return case amount when 0 then 'no' else 'yes' end;
end $$;

-- A predicate where of every table that a policy reads itself only those rows are there that the role may see. What a
-- function looks up for it, that finds whatever is there.
create function pg_temp.as_seen(the_table text, the_role text, predicate text) returns text
language plpgsql set search_path from current as $$
declare
  asked text[] := (select array_agg(format('array(%s)', query) order by name) from pg_temp.rls_lookup
    where on_table = the_table);
  read text[] := (select array_agg(name order by name) from pg_temp.rls_reads r join pg_temp.rls_table t using (name)
    where r.on_table = the_table);
begin
  if read is null then
    return predicate;
  end if;
  for number in 1..coalesce(cardinality(asked), 0) loop
    predicate := replace(predicate, asked[number], format('array(rls_asked_%s)', number));
  end loop;
  for number in 1..cardinality(read) loop
    predicate := replace(predicate, format(' from %s ', read[number]), format(' from rls_read_%s ', number));
  end loop;
  for number in 1..cardinality(read) loop
    if position(format(' from rls_read_%s ', number) in predicate) > 0 then
      predicate := replace(predicate, format(' from rls_read_%s ', number),
        format(' from (select * from %s where %s) ', read[number],
          pg_temp.declared(read[number], the_role, 'select', false)));
    end if;
  end loop;
  for number in 1..coalesce(cardinality(asked), 0) loop
    predicate := replace(predicate, format('array(rls_asked_%s)', number), asked[number]);
  end loop;
  return predicate;
end $$;

-- What the declared policies together say to a role and a command: of rows that are there, or of new ones.
create function pg_temp.declared(the_table text, the_role text, the_command text, of_new boolean) returns text
language plpgsql set search_path from current as $$
declare
  permissive text;
  restrictive text;
begin
  if not (select secured from pg_temp.rls_table where name = the_table) then
    return 'true';
  end if;
  select string_agg(format('(%s)', said), ' or ') filter (where p.permissive),
    string_agg(format(' and (%s)', said), '') filter (where not p.permissive)
  into permissive, restrictive
  from pg_temp.rls_policy p,
    lateral (select case when of_new then coalesce(p.check_rows, p.using_rows) else p.using_rows end) as x (said)
  where p.on_table = the_table and p.command in (the_command, 'all') and the_role = any (p.roles);
  return pg_temp.as_seen(the_table, the_role, format('(%s)%s', coalesce(permissive, 'false'), restrictive));
end $$;

-- Whether one permissive policy decides for the role and the command, by the tenant alone.
create function pg_temp.is_of_tenant(the_table text, the_role text, the_command text) returns boolean
language sql set search_path from current as $$
  select count(*) = 1 and bool_and(of_tenant) from pg_temp.rls_policy
  where on_table = the_table and permissive and command in (the_command, 'all') and the_role = any (roles)
$$;

-- Which of the policies that decide for a role and a command raise an error about a row.
create function pg_temp.raising(
  the_table text, the_role text, the_command text, of_new boolean, is_row text, settings jsonb
) returns text
language sql set search_path from current as $$
  select coalesce(string_agg(format('policy "%s"', p.name), ', ' order by p.name), 'its policies')
  from pg_temp.rls_policy p
  where p.on_table = the_table and p.command in (the_command, 'all') and the_role = any (p.roles)
    and pg_temp.holds(the_table, is_row,
      case when of_new then coalesce(p.check_rows, p.using_rows) else p.using_rows end, settings) like 'error %'
$$;

-- Finds out what the declared policies say of every row in one case, which is never an error, and holds that against
-- what must be so of a tenant's table whatever they say: a row is its own tenant's, and nobody's else.
create function pg_temp.judge(the_table text, the_role text, the_case text) returns void
language plpgsql set search_path from current as $$
declare
  c record;
  r record;
  kind record;
  verdict text;
begin
  select * into c from pg_temp.rls_case where label = the_case;
  for r in select * from pg_temp.rls_row where on_table = the_table order by number loop
    insert into pg_temp.rls_verdict (on_table, role, of_case, label)
    values (the_table, the_role, the_case, r.label);
    for kind in
      select * from (values
        (1, 'select', false, 'seen'), (2, 'insert', true, 'added'), (3, 'update', false, 'reached'),
        (4, 'update', true, 'kept'), (5, 'delete', false, 'removed')
      ) as k (number, command, of_new, name) order by number
    loop
      verdict := pg_temp.holds(
        the_table, r.is_row, pg_temp.declared(the_table, the_role, kind.command, kind.of_new), c.settings);
      if verdict like 'error %' then
        perform pg_temp.expect(
          format('%s: %s for %s by %s, %s, %s', the_table,
            pg_temp.raising(the_table, the_role, kind.command, kind.of_new, r.is_row, c.settings), kind.command,
            the_role, the_case, r.label),
          'no error', verdict);
      end if;
      if r.tenant is not null and c.tenant is not null
        and pg_temp.is_of_tenant(the_table, the_role, kind.command)
        and (r.tenant <> c.tenant and verdict = 'yes'
          or r.tenant = c.tenant and verdict <> 'yes' and not exists (
            select from pg_temp.rls_policy p
            where p.on_table = the_table and not p.permissive and p.command in (kind.command, 'all')
              and the_role = any (p.roles)))
      then
        perform pg_temp.expect(
          format('%s: what is declared for %s by %s, %s, %s', the_table, kind.command, the_role, the_case, r.label),
          case when r.tenant = c.tenant then 'yes' else 'no' end, verdict);
      end if;
      -- What is no value of a setting's type is no more than an empty text.
      if verdict = 'yes' and exists (
        select from pg_temp.rls_verdict v
        where v.on_table = the_table and v.role = the_role and v.of_case = c.no_more_than and v.label = r.label
          and to_jsonb(v) ->> kind.name is distinct from 'yes')
      then
        perform pg_temp.expect(
          format('%s: what is declared for %s by %s, %s, %s', the_table, kind.command, the_role, the_case, r.label),
          'no', verdict);
      end if;
      execute format('update pg_temp.rls_verdict set %I = $1
        where on_table = $2 and role = $3 and of_case = $4 and label = $5', kind.name)
      using verdict, the_table, the_role, the_case, r.label;
    end loop;
  end loop;
end $$;

-- What the declared policies say of a row to a role and a command. Where they look rows of the same table up, that
-- depends on which are there: it is asked of a copy of the row, with only those in the table that will be there.
create function pg_temp.verdict(
  the_table text, the_role text, the_command text, of_new boolean, the_label text, settings jsonb, before text, known text
) returns text
language plpgsql set search_path from current as $$
declare
  copy int := (select i.copy from pg_temp.rls_itself i where i.name = the_table);
  amount bigint;
begin
  if copy is null then
    return known;
  end if;
  begin
    execute before;
    perform set_config(key, value, true) from jsonb_each_text(settings);
    execute format('select from pg_temp.rls_copy_%s as %I where (%s) and (%s)', copy,
      (select relname from pg_class where oid = to_regclass(the_table)),
      (select is_row from pg_temp.rls_row where on_table = the_table and label = the_label),
      pg_temp.declared(the_table, the_role, the_command, of_new));
    get diagnostics amount = row_count;
    raise exception using errcode = 'RLS00';
  exception
    when sqlstate 'RLS00' then null;
    when others then return 'error ' || sqlstate;
  end;
  return case amount when 0 then 'no' else 'yes' end;
end $$;

-- How a statement must end, by whether it is granted, whether the row is reached, and whether it may be written.
create function pg_temp.outcome(granted boolean, reached text[], written text[]) returns text
language sql set search_path from current as $$
  select case
    when not granted then 'permission denied'
    when 'no' = any (reached) then '0 rows'
    when 'no' = any (written) then 'permission denied'
    else '1 row'
  end
$$;

-- Every command on every row of a table, by every role that is granted anything there, in one case.
create function pg_temp.prove(the_table text, the_case text) returns text
language plpgsql set search_path from current as $$
declare
  settings jsonb := (select c.settings from pg_temp.rls_case c where c.label = the_case);
  own text := (select string_agg(format('(%s)', is_row), ' or ') from pg_temp.rls_row where on_table = the_table);
  has_others boolean;
  g record;
  f record;
  other record;
  said text;
  alone text;
  state text;
  may_see boolean;
  aim record;
  lent text;
  without text;
  seen text;
begin
  execute format('select exists (select from %s where not (%s))', the_table, own) into has_others;
  -- What a role may do with some columns only, the catalog shows. It is lent the whole table for as long as it tries,
  -- so that the policies answer.
  for g in
    select h.role, h.commands || coalesce(array_agg(c.command) filter (where c.command is not null), '{}') as commands,
      format('grant %s on table %s to %I', nullif(string_agg(c.command, ', ' order by c.command), ''), the_table, h.role)
        as lending,
      count(c.command) > 0 as borrows, 'select' = any (array_agg(c.command)) as borrows_select,
      (select string_agg(quote_ident(x), ', ') from pg_temp.rls_column_grant s, unnest(s.columns) x
        where s.on_table = the_table and s.role = h.role and s.command = 'select') as readable
    from pg_temp.rls_grant h left join pg_temp.rls_column_grant c using (on_table, role)
    where h.on_table = the_table group by h.role, h.commands order by h.role
  loop
    lent := case when g.borrows then g.lending || '; ' else '' end;
    perform pg_temp.judge(the_table, g.role, the_case);
    may_see := 'select' = any (g.commands);
    for f in
      select r.*, v.seen, v.added, v.reached, v.kept, v.removed
      from pg_temp.rls_row r join pg_temp.rls_verdict v using (on_table, label)
      where r.on_table = the_table and v.role = g.role and v.of_case = the_case order by r.number
    loop
      said := format('%s: %%s by %s, %s, %s', the_table, g.role, the_case, f.label);
      -- Where policies look rows of the same table up, the others stay, so that they are found.
      without := lent || format('delete from %s where %s', the_table,
        case when the_table in (select name from pg_temp.rls_itself) then f.is_row else own end);
      alone := lent || format('delete from %s where (%s) and not (%s)', the_table, own, f.is_row);
      state := format('select (tableoid, ctid)::text from %s where %s', the_table, f.is_row);
      perform pg_temp.expect(format(said, 'select'),
        pg_temp.outcome(may_see, array[f.seen], '{}'),
        pg_temp.attempt(g.role, settings, case when g.borrows_select then g.lending end,
          format('select from %s where %s', the_table, f.is_row), null));
      perform pg_temp.expect(format(said, 'insert'),
        pg_temp.outcome('insert' = any (g.commands), '{}', array[
          pg_temp.verdict(the_table, g.role, 'insert', true, f.label, settings, without, f.added)]),
        pg_temp.attempt(g.role, settings, without, f.entry, state));
      seen := pg_temp.verdict(the_table, g.role, 'select', false, f.label, settings, alone, f.seen);
      -- What it may read by column, it reads without the loan.
      if g.readable is not null and not has_others then
        perform pg_temp.expect(format(said, 'select of its columns'),
          pg_temp.outcome(true, array[seen], '{}'),
          pg_temp.attempt(g.role, settings, substr(alone, length(lent) + 1),
            format('select %s from %s', g.readable, the_table), null));
      end if;
      -- With a WHERE, PostgreSQL asks the SELECT policies too; without one it does not. Where somebody else's rows
      -- might be meant, there is none without.
      for aim in
        select * from (values
          ('update', true, ''), ('update', false, ' without where'),
          ('delete', true, ''), ('delete', false, ' without where')
        ) as a (command, is_aimed, words)
        where is_aimed or not has_others or pg_temp.is_of_tenant(the_table, g.role, command)
      loop
        if aim.command = 'delete' then
          perform pg_temp.expect(format(said, aim.command || aim.words),
            pg_temp.outcome('delete' = any (g.commands) and (may_see or not aim.is_aimed),
              pg_temp.verdict(the_table, g.role, 'delete', false, f.label, settings, alone, f.removed)
                || case when aim.is_aimed then array[seen] end, '{}'),
            pg_temp.attempt(g.role, settings, alone,
              format('delete from %s', the_table) || case when aim.is_aimed then ' where ' || f.is_row else '' end,
              state));
          continue;
        end if;
        for other in
          select r.*, v.seen, v.kept from pg_temp.rls_row r join pg_temp.rls_verdict v using (on_table, label)
          where r.on_table = the_table and v.role = g.role and v.of_case = the_case and r.contents is not null
            and (r.label = f.label or f.moves and r.moves)
          order by r.number
        loop
          perform pg_temp.expect(
            format(said, aim.command || aim.words)
              || case when other.label = f.label then '' else ', moved to ' || other.label end,
            pg_temp.outcome('update' = any (g.commands) and (may_see or not aim.is_aimed),
              pg_temp.verdict(the_table, g.role, 'update', false, f.label, settings, alone, f.reached)
                || case when aim.is_aimed then array[seen] end,
              pg_temp.verdict(the_table, g.role, 'update', true, other.label, settings, alone, other.kept)
                || case when aim.is_aimed then array[
                  pg_temp.verdict(the_table, g.role, 'select', false, other.label, settings, alone, other.seen)] end),
            pg_temp.attempt(g.role, settings, alone,
              format('update %s set %s', the_table, other.contents)
                || case when aim.is_aimed then ' where ' || f.is_row else '' end,
              state));
        end loop;
      end loop;
    end loop;
  end loop;
  return pg_temp.ok(format('%s, %s', the_table, the_case));
end $$;

-- Each column of a table, by every role that may read some of them: those, and no other.
create function pg_temp.prove_columns(the_table text) returns text
language plpgsql set search_path from current as $$
declare
  settings jsonb := (select c.settings from pg_temp.rls_case c where c.tenant = 'A');
  one record;
begin
  for one in
    select g.role, a.attname as name, a.attname = any (g.columns) as is_granted
    from pg_temp.rls_column_grant g
    join pg_attribute a on a.attrelid = to_regclass(g.on_table) and a.attnum > 0 and not a.attisdropped
    where g.on_table = the_table and g.command = 'select' order by g.role, a.attnum
  loop
    perform pg_temp.expect(format('%s: select of column %s by %s', the_table, one.name, one.role),
      case when one.is_granted then 'a grant' else 'permission denied' end,
      replace(pg_temp.attempt(one.role, coalesce(settings, '{}'), null,
        format('select %I from %s limit 0', one.name, the_table), null), '0 rows', 'a grant'));
  end loop;
  return pg_temp.ok(format('%s, its columns', the_table));
end $$;

-- Every command on every row of a table, by every role that is granted nothing there.
create function pg_temp.prove_strangers(the_table text) returns text
language plpgsql set search_path from current as $$
declare
  settings jsonb := (select c.settings from pg_temp.rls_case c where c.tenant = 'A');
  who record;
  f record;
  tried record;
begin
  for who in
    select name from pg_temp.rls_role r
    where not exists (select from pg_temp.rls_grant g where g.on_table = the_table and g.role = r.name)
    order by name
  loop
    for f in select * from pg_temp.rls_row where on_table = the_table order by number loop
      for tried in
        select * from (values
          (1, 'select', format('select from %s', the_table)),
          (2, 'insert', f.entry),
          (3, 'update', format('update %s set %s', the_table, f.contents)),
          (4, 'delete', format('delete from %s', the_table)),
          (5, 'truncate', format('truncate only %s', the_table))
        ) as t (number, command, statement)
        where statement is not null order by number
      loop
        perform pg_temp.expect(
          format('%s: %s by %s, the wrong role, %s', the_table, tried.command, who.name, f.label),
          'permission denied', pg_temp.attempt(who.name, coalesce(settings, '{}'), null, tried.statement, null));
      end loop;
    end loop;
  end loop;
  return pg_temp.ok(format('%s, the wrong role', the_table));
end $$;

-- How PostgreSQL prints a predicate that a policy of this table holds: as it was written, and as it was printed and
-- read again, as a copy of a database does.
create function pg_temp.printed(the_table text, predicate text) returns text[]
language plpgsql set search_path from current as $$
declare
  forms text[] := '{}';
  form text := predicate;
begin
  for attempts in 1..3 loop
    begin
      execute format('create policy rls_tests_form on %s using (%s)', the_table, form);
      select pg_get_expr(polqual, polrelid) into form from pg_policy
      where polrelid = to_regclass(the_table) and polname = 'rls_tests_form';
      raise exception using errcode = 'RLS00';
    exception
      when sqlstate 'RLS00' then null;
    end;
    exit when form = any (forms);
    forms := forms || form;
  end loop;
  return forms;
end $$;

-- A predicate as a policy holds it: a function is called where the struct has a membership that it looks up.
create function pg_temp.written(the_table text, predicate text) returns text
language plpgsql set search_path from current as $$
declare
  l record;
begin
  for l in select name, query from pg_temp.rls_lookup where on_table = the_table loop
    predicate := replace(predicate, format('array(%s)', l.query), format('array(select %s())', l.name));
  end loop;
  return predicate;
end $$;

-- Each policy in the database says of every row what the struct says, in every case. This finds, by name, what no
-- command shows because another policy stands before it. It also says it in the same words: what it might say of
-- rows, texts or times that nobody has thought of, no row shows.
create function pg_temp.prove_policies(the_table text) returns text
language plpgsql set search_path from current as $$
declare
  p record;
  side record;
  c record;
  f record;
  verdict text;
begin
  for p in
    select d.*, pg_get_expr(s.polqual, s.polrelid) as stored_using,
      pg_get_expr(s.polwithcheck, s.polrelid) as stored_check, s.oid as stored
    from pg_temp.rls_policy d
    left join pg_policy s on s.polrelid = to_regclass(d.on_table) and s.polname = d.name
    where d.on_table = the_table order by d.name
  loop
    perform pg_temp.expect(format('%s: policy "%s"', the_table, p.name), 'one',
      case when p.stored is null then 'none' else 'one' end);
    for side in
      select * from (values ('using', p.using_rows, p.stored_using), ('with check', p.check_rows, p.stored_check))
        as s (name, declared, stored)
    loop
      perform pg_temp.expect(format('%s: policy "%s", %s', the_table, p.name, side.name),
        case when side.declared is null then 'none' else 'one' end,
        case when side.stored is null then 'none' else 'one' end);
      for c in
        select * from pg_temp.rls_case where side.declared is not null and the_table = any (coalesce(tables, array[the_table]))
        order by label
      loop
        for f in select * from pg_temp.rls_row where on_table = the_table order by number loop
          verdict := pg_temp.holds(the_table, f.is_row, side.declared, c.settings);
          if verdict like 'error %' then
            perform pg_temp.expect(
              format('%s: policy "%s" for %s, %s, %s, %s', the_table, p.name, p.command, side.name, c.label, f.label),
              'no error', verdict);
          end if;
          perform pg_temp.expect(
            format('%s: policy "%s", %s, %s, %s', the_table, p.name, side.name, c.label, f.label),
            verdict, pg_temp.holds(the_table, f.is_row, side.stored, c.settings));
        end loop;
      end loop;
      if side.declared is not null and side.stored <> all (pg_temp.printed(the_table, pg_temp.written(the_table, side.declared))) then
        perform pg_temp.expect(format('%s: policy "%s", %s', the_table, p.name, side.name),
          'what the struct says', 'something else');
      end if;
    end loop;
  end loop;
  -- Those of a partition, which somebody may reach directly one day, say the same.
  for p in
    select d.name, rel.oid::regclass as relation,
      array[pg_get_expr(own.polqual, own.polrelid), pg_get_expr(own.polwithcheck, own.polrelid)] as whole,
      array[
        replace(pg_get_expr(part.polqual, part.polrelid), rel.relname || '.', parent.relname || '.'),
        replace(pg_get_expr(part.polwithcheck, part.polrelid), rel.relname || '.', parent.relname || '.')] as of_part
    from pg_temp.rls_policy d
    cross join pg_temp.relations(the_table) rel
    join pg_class parent on parent.oid = to_regclass(the_table)
    left join pg_policy own on own.polrelid = parent.oid and own.polname = d.name
    left join pg_policy part on part.polrelid = rel.oid and part.polname = d.name
    where d.on_table = the_table and rel.oid <> parent.oid order by 2, 1
  loop
    perform pg_temp.expect(format('%s: policy "%s" on %s', the_table, p.name, p.relation), 'as on the whole table',
      case when p.whole = p.of_part then 'as on the whole table' else 'another one' end);
  end loop;
  return pg_temp.ok(format('%s, its policies', the_table));
end $$;

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

-- Who may ask, and what they may say of themselves.

insert into pg_temp.rls_role (name) values
  ('hotdash_app');

insert into pg_temp.rls_case (label, tenant, settings, tables, no_more_than) values
  ('scope unset', 'nobody', '{}', null, null),
  ('scope empty', 'nobody', '{"app.current_shop":"","app.current_user":""}', null, null),
  ('scope of tenant A', 'A', '{"app.current_shop":"rls-a","app.current_user":"rls-a"}', null, null),
  ('scope of tenant B', 'B', '{"app.current_shop":"rls-b","app.current_user":"rls-b"}', null, null),
  ('scope without sense', 'nobody', '{"app.current_shop":"no such value","app.current_user":"no such value"}', null, null);

-- public.inventory_actions, hotdash::tables::inventory::InventoryAction

insert into pg_temp.rls_table (name, secured) values
  ('public.inventory_actions', true);

insert into pg_temp.rls_grant (on_table, role, commands) values
  ('public.inventory_actions', 'hotdash_app', array['select', 'insert']);

insert into pg_temp.rls_sequence (name, roles) values
  ('public.inventory_actions_id_seq', array['hotdash_app']);

insert into pg_temp.rls_policy (on_table, name, command, permissive, roles, using_rows, check_rows, of_tenant) values
  ('public.inventory_actions', 'Users can insert own shop inventory actions', 'insert', true, array['hotdash_app'],
    null,
    $$shop_domain = (select current_setting('app.current_shop', true)) and shop_domain > ''$$, true),
  ('public.inventory_actions', 'Users can view own shop inventory actions', 'select', true, array['hotdash_app'],
    $$shop_domain = (select current_setting('app.current_shop', true)) and shop_domain > ''$$,
    null, true);

insert into pg_temp.rls_row (on_table, label, tenant, is_row, entry, contents, moves) values
  ('public.inventory_actions', 'row of tenant A', 'A', 'id = -32101',
    $$insert into public.inventory_actions (id, shop_domain, sku, action_type, created_by) values (-32101, 'rls-a', '', 'approve_reorder', '')$$, $$shop_domain = 'rls-a'$$, true),
  ('public.inventory_actions', 'row of tenant B', 'B', 'id = -32102',
    $$insert into public.inventory_actions (id, shop_domain, sku, action_type, created_by) values (-32102, 'rls-b', '', 'approve_reorder', '')$$, $$shop_domain = 'rls-b'$$, true),
  ('public.inventory_actions', 'row of the empty text', '', 'id = -32103',
    $$insert into public.inventory_actions (id, shop_domain, sku, action_type, created_by) values (-32103, '', '', 'approve_reorder', '')$$, $$shop_domain = ''$$, true);

-- public.notifications, hotdash::tables::notification::Notification

insert into pg_temp.rls_table (name, secured) values
  ('public.notifications', true);

insert into pg_temp.rls_grant (on_table, role, commands) values
  ('public.notifications', 'hotdash_app', array['select', 'insert', 'update', 'delete']);

insert into pg_temp.rls_sequence (name, roles) values
  ('public.notifications_id_seq', array['hotdash_app']);

insert into pg_temp.rls_policy (on_table, name, command, permissive, roles, using_rows, check_rows, of_tenant) values
  ('public.notifications', 'tenant_delete', 'delete', true, array['hotdash_app'],
    $$user_id = (select current_setting('app.current_user', true)) and user_id > ''$$,
    null, true),
  ('public.notifications', 'tenant_insert', 'insert', true, array['hotdash_app'],
    null,
    $$user_id = (select current_setting('app.current_user', true)) and user_id > ''$$, true),
  ('public.notifications', 'tenant_select', 'select', true, array['hotdash_app'],
    $$user_id = (select current_setting('app.current_user', true)) and user_id > ''$$,
    null, true),
  ('public.notifications', 'tenant_update', 'update', true, array['hotdash_app'],
    $$user_id = (select current_setting('app.current_user', true)) and user_id > ''$$,
    $$user_id = (select current_setting('app.current_user', true)) and user_id > ''$$, true);

insert into pg_temp.rls_row (on_table, label, tenant, is_row, entry, contents, moves) values
  ('public.notifications', 'row of tenant A', 'A', 'id = -32101',
    $$insert into public.notifications (id, user_id, type, priority, title) values (-32101, 'rls-a', 'approval', 'critical', '')$$, $$user_id = 'rls-a'$$, true),
  ('public.notifications', 'row of tenant B', 'B', 'id = -32102',
    $$insert into public.notifications (id, user_id, type, priority, title) values (-32102, 'rls-b', 'approval', 'critical', '')$$, $$user_id = 'rls-b'$$, true),
  ('public.notifications', 'row of the empty text', '', 'id = -32103',
    $$insert into public.notifications (id, user_id, type, priority, title) values (-32103, '', 'approval', 'critical', '')$$, $$user_id = ''$$, true);

-- public.sales_pulse_actions, hotdash::tables::sales::SalesPulseAction

insert into pg_temp.rls_table (name, secured) values
  ('public.sales_pulse_actions', true);

insert into pg_temp.rls_grant (on_table, role, commands) values
  ('public.sales_pulse_actions', 'hotdash_app', array['select', 'insert']);

insert into pg_temp.rls_sequence (name, roles) values
  ('public.sales_pulse_actions_id_seq', array['hotdash_app']);

insert into pg_temp.rls_policy (on_table, name, command, permissive, roles, using_rows, check_rows, of_tenant) values
  ('public.sales_pulse_actions', 'Users can insert own shop sales actions', 'insert', true, array['hotdash_app'],
    null,
    $$shop_domain = (select current_setting('app.current_shop', true)) and shop_domain > ''$$, true),
  ('public.sales_pulse_actions', 'Users can view own shop sales actions', 'select', true, array['hotdash_app'],
    $$shop_domain = (select current_setting('app.current_shop', true)) and shop_domain > ''$$,
    null, true);

insert into pg_temp.rls_row (on_table, label, tenant, is_row, entry, contents, moves) values
  ('public.sales_pulse_actions', 'row of tenant A', 'A', 'id = -32101',
    $$insert into public.sales_pulse_actions (id, shop_domain, action_type, created_by) values (-32101, 'rls-a', 'log_follow_up', '')$$, $$shop_domain = 'rls-a'$$, true),
  ('public.sales_pulse_actions', 'row of tenant B', 'B', 'id = -32102',
    $$insert into public.sales_pulse_actions (id, shop_domain, action_type, created_by) values (-32102, 'rls-b', 'log_follow_up', '')$$, $$shop_domain = 'rls-b'$$, true),
  ('public.sales_pulse_actions', 'row of the empty text', '', 'id = -32103',
    $$insert into public.sales_pulse_actions (id, shop_domain, action_type, created_by) values (-32103, '', 'log_follow_up', '')$$, $$shop_domain = ''$$, true);

-- public.social_posts, hotdash::tables::social::SocialPost

insert into pg_temp.rls_table (name, secured) values
  ('public.social_posts', true);

insert into pg_temp.rls_grant (on_table, role, commands) values
  ('public.social_posts', 'hotdash_app', array['select', 'insert', 'update', 'delete']);

insert into pg_temp.rls_sequence (name, roles) values
  ('public.social_posts_id_seq', array['hotdash_app']);

insert into pg_temp.rls_policy (on_table, name, command, permissive, roles, using_rows, check_rows, of_tenant) values
  ('public.social_posts', 'tenant_delete', 'delete', true, array['hotdash_app'],
    $$shop_domain = (select current_setting('app.current_shop', true)) and shop_domain > ''$$,
    null, true),
  ('public.social_posts', 'tenant_insert', 'insert', true, array['hotdash_app'],
    null,
    $$shop_domain = (select current_setting('app.current_shop', true)) and shop_domain > ''$$, true),
  ('public.social_posts', 'tenant_select', 'select', true, array['hotdash_app'],
    $$shop_domain = (select current_setting('app.current_shop', true)) and shop_domain > ''$$,
    null, true),
  ('public.social_posts', 'tenant_update', 'update', true, array['hotdash_app'],
    $$shop_domain = (select current_setting('app.current_shop', true)) and shop_domain > ''$$,
    $$shop_domain = (select current_setting('app.current_shop', true)) and shop_domain > ''$$, true);

insert into pg_temp.rls_row (on_table, label, tenant, is_row, entry, contents, moves) values
  ('public.social_posts', 'row of tenant A', 'A', 'id = -32101',
    $$insert into public.social_posts (id, shop_domain, platform, status, content, created_by) values (-32101, 'rls-a', 'facebook', 'draft', '', '')$$, $$shop_domain = 'rls-a'$$, true),
  ('public.social_posts', 'row of tenant B', 'B', 'id = -32102',
    $$insert into public.social_posts (id, shop_domain, platform, status, content, created_by) values (-32102, 'rls-b', 'facebook', 'draft', '', '')$$, $$shop_domain = 'rls-b'$$, true),
  ('public.social_posts', 'row of the empty text', '', 'id = -32103',
    $$insert into public.social_posts (id, shop_domain, platform, status, content, created_by) values (-32103, '', 'facebook', 'draft', '', '')$$, $$shop_domain = ''$$, true);

-- public.user_preferences, hotdash::tables::preference::UserPreference

insert into pg_temp.rls_table (name, secured) values
  ('public.user_preferences', true);

insert into pg_temp.rls_grant (on_table, role, commands) values
  ('public.user_preferences', 'hotdash_app', array['select', 'insert', 'update', 'delete']);

insert into pg_temp.rls_policy (on_table, name, command, permissive, roles, using_rows, check_rows, of_tenant) values
  ('public.user_preferences', 'tenant_delete', 'delete', true, array['hotdash_app'],
    $$user_id = (select current_setting('app.current_user', true)) and user_id > ''$$,
    null, true),
  ('public.user_preferences', 'tenant_insert', 'insert', true, array['hotdash_app'],
    null,
    $$user_id = (select current_setting('app.current_user', true)) and user_id > ''$$, true),
  ('public.user_preferences', 'tenant_select', 'select', true, array['hotdash_app'],
    $$user_id = (select current_setting('app.current_user', true)) and user_id > ''$$,
    null, true),
  ('public.user_preferences', 'tenant_update', 'update', true, array['hotdash_app'],
    $$user_id = (select current_setting('app.current_user', true)) and user_id > ''$$,
    $$user_id = (select current_setting('app.current_user', true)) and user_id > ''$$, true);

insert into pg_temp.rls_row (on_table, label, tenant, is_row, entry, contents, moves) values
  ('public.user_preferences', 'row of tenant A', 'A', $$user_id = 'rls-a'$$,
    $$insert into public.user_preferences (user_id) values ('rls-a')$$, $$user_id = 'rls-a'$$, true),
  ('public.user_preferences', 'row of tenant B', 'B', $$user_id = 'rls-b'$$,
    $$insert into public.user_preferences (user_id) values ('rls-b')$$, $$user_id = 'rls-b'$$, true),
  ('public.user_preferences', 'row of the empty text', '', $$user_id = ''$$,
    $$insert into public.user_preferences (user_id) values ('')$$, $$user_id = ''$$, true);

-- The proof.

select pg_temp.prepare();

select pg_temp.prove(p.on_table, p.label) from (
  select t.name as on_table, c.label
  from pg_temp.rls_table t join pg_temp.rls_case c on t.name = any (coalesce(c.tables, array[t.name]))
  where t.asked and t.name in (select on_table from pg_temp.rls_grant)
  order by c.settings <> '{}', t.place, c.place
) p;
select pg_temp.prove_strangers(name) from (select name from pg_temp.rls_table where asked order by place) t;
select pg_temp.prove_columns(name) from (
  select name from pg_temp.rls_table
  where asked and name in (select on_table from pg_temp.rls_column_grant where command = 'select') order by place
) t;
select pg_temp.prove_policies(name) from (select name from pg_temp.rls_table where asked and secured order by place) t;
select pg_temp.prove_catalog(name) from (select name from pg_temp.rls_table where asked order by place) t;
select pg_temp.prove_roles(null);

select '1..' || count(*) from pg_temp.rls_proven;
rollback;
