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
