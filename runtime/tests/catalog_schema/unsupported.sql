-- What PostgreSQL has and schema data has no word for.
create schema odd;
create table odd.t (
  id serial primary key,
  a int,
  b text not null,
  c text,
  range int4range,
  constraint t_both unique (a) include (b),
  constraint t_match foreign key (a) references odd.t match full,
  constraint t_mine check (a > 0) no inherit,
  constraint t_filled unique (b) with (fillfactor = 70),
  constraint t_apart exclude using gist (range with &&) include (b)
) with (fillfactor = 80);
alter table odd.t enable row level security;
alter table odd.t alter column b set storage external;
alter table odd.t alter column c set (n_distinct = 5);
alter table odd.t replica identity full;
comment on constraint t_mine on odd.t is 'mine';
comment on index odd.t_pkey is 'key';
create unlogged table odd.fast (id int);
create table odd.child () inherits (odd.t);
create table odd.policed (id int);
alter table odd.policed force row level security;
create policy idle on odd.policed using (true);
comment on policy idle on odd.policed is 'idle';
create rule silent as on insert to odd.fast do instead nothing;
create function odd.audit() returns trigger language plpgsql as $$ begin return new; end $$;
create trigger audit after insert on odd.fast for each row execute function odd.audit();
create procedure odd.work() language sql as 'select 1';
create aggregate odd.total (int) (sfunc = int4pl, stype = int);
create view odd.v as select 1 as one;
create materialized view odd.m as select 1 as one;
create sequence odd.loose;
create type odd.mood as enum ('ok');
create domain odd.positive as int check (value > 0);
create type odd.pair as (a int, b int);
create type odd.moods as range (subtype = text);
create table odd.numbered (
  id int generated always as identity (start 5),
  named int not null,
  maybe serial
);
create sequence odd.elsewhere as int owned by odd.numbered.named;
alter table odd.numbered alter named set default nextval('odd.elsewhere');
alter table odd.numbered alter maybe drop not null;
grant truncate on odd.fast to catalog_schema_app;
grant insert on odd.numbered to catalog_schema_app with grant option;
grant references (id) on odd.policed to catalog_schema_app;
grant usage on sequence odd.t_id_seq to catalog_schema_app;
grant create on schema odd to catalog_schema_app;
create publication odd_publication for table odd.child;
create table odd.parted (id int not null, n int) partition by range ((id + 1));
create table odd.parted_1 partition of odd.parted for values from (1) to (9) partition by range (id);
create table odd.parted_2 partition of odd.parted for values from (9) to (19);
create index parted_2_idx on odd.parted_2 (n);
alter table odd.parted_2 add constraint parted_2_check check (n > 0);
alter table odd.parted enable row level security;
alter table odd.parted force row level security;
