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
