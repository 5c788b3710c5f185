-- The whole schema that the annotated structs declare.
-- Written by the build; to change it, change the structs.

-- roles
do $$
begin
  if not exists (select from pg_catalog.pg_roles where rolname = 'bench_shop') then
    create role bench_shop nologin noinherit;
  end if;
exception when duplicate_object or unique_violation then
  null; -- another database of this server created it at the same moment
end
$$;

-- bench_query::model::Archived
create table public.archive (
  id bigint not null generated always as identity,
  shop text not null,
  customer text not null,
  status text not null,
  quantity integer not null,
  cents bigint not null,
  weight double precision not null,
  express boolean not null,
  note text,
  created_at timestamptz not null,
  constraint archive_pkey primary key (id)
);

alter table public.archive enable row level security;
alter table public.archive force row level security;
revoke all on table public.archive from public, bench_shop;
revoke all on sequence public.archive_id_seq from public, bench_shop;
create index archive_shop_id_idx on public.archive (shop, id);

create policy tenant_delete on public.archive
  as permissive for delete to bench_shop
  using (shop = (select current_setting('app.current_shop', true)) and shop > '');

create policy tenant_insert on public.archive
  as permissive for insert to bench_shop
  with check (shop = (select current_setting('app.current_shop', true)) and shop > '');

create policy tenant_select on public.archive
  as permissive for select to bench_shop
  using (shop = (select current_setting('app.current_shop', true)) and shop > '');

create policy tenant_update on public.archive
  as permissive for update to bench_shop
  using (shop = (select current_setting('app.current_shop', true)) and shop > '')
  with check (shop = (select current_setting('app.current_shop', true)) and shop > '');

grant select, insert, update, delete on table public.archive to bench_shop;
comment on table public.archive is 'An old order, of the 1,000,000 of one shop.';

-- bench_query::model::Arrival
create table public.arrivals (
  id bigint not null generated always as identity,
  shop text not null,
  customer text not null,
  status text not null,
  quantity integer not null,
  cents bigint not null,
  weight double precision not null,
  express boolean not null,
  note text,
  created_at timestamptz not null,
  constraint arrivals_pkey primary key (id)
);

alter table public.arrivals enable row level security;
alter table public.arrivals force row level security;
revoke all on table public.arrivals from public, bench_shop;
revoke all on sequence public.arrivals_id_seq from public, bench_shop;
create index arrivals_shop_created_at_idx on public.arrivals (shop, created_at desc);

create policy tenant_delete on public.arrivals
  as permissive for delete to bench_shop
  using (shop = (select current_setting('app.current_shop', true)) and shop > '');

create policy tenant_insert on public.arrivals
  as permissive for insert to bench_shop
  with check (shop = (select current_setting('app.current_shop', true)) and shop > '');

create policy tenant_select on public.arrivals
  as permissive for select to bench_shop
  using (shop = (select current_setting('app.current_shop', true)) and shop > '');

create policy tenant_update on public.arrivals
  as permissive for update to bench_shop
  using (shop = (select current_setting('app.current_shop', true)) and shop > '')
  with check (shop = (select current_setting('app.current_shop', true)) and shop > '');

grant select, insert, update, delete on table public.arrivals to bench_shop;
comment on table public.arrivals is 'An order that comes in, of 100,000.';

-- bench_query::model::Order
create table public.orders (
  id bigint not null generated always as identity,
  shop text not null,
  customer text not null,
  status text not null,
  quantity integer not null,
  cents bigint not null,
  weight double precision not null,
  express boolean not null,
  note text,
  created_at timestamptz not null,
  constraint orders_pkey primary key (id)
);

alter table public.orders enable row level security;
alter table public.orders force row level security;
revoke all on table public.orders from public, bench_shop;
revoke all on sequence public.orders_id_seq from public, bench_shop;
create index orders_shop_created_at_idx on public.orders (shop, created_at desc);

create policy tenant_delete on public.orders
  as permissive for delete to bench_shop
  using (shop = (select current_setting('app.current_shop', true)) and shop > '');

create policy tenant_insert on public.orders
  as permissive for insert to bench_shop
  with check (shop = (select current_setting('app.current_shop', true)) and shop > '');

create policy tenant_select on public.orders
  as permissive for select to bench_shop
  using (shop = (select current_setting('app.current_shop', true)) and shop > '');

create policy tenant_update on public.orders
  as permissive for update to bench_shop
  using (shop = (select current_setting('app.current_shop', true)) and shop > '')
  with check (shop = (select current_setting('app.current_shop', true)) and shop > '');

grant select, insert, update, delete on table public.orders to bench_shop;
comment on table public.orders is 'An order of 1,000,000, those of 1,000 shops.';
