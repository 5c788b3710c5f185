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
