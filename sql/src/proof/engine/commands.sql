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
