-- Sealed by Tabellion. To change the schema, change the structs and seal anew.

select pg_catalog.set_config('lock_timeout', '5s', true);
select pg_catalog.set_config('statement_timeout', '5min', true);

-- roles
do $$
begin
  if not exists (select from pg_catalog.pg_roles where rolname = 'hotdash_app') then
    create role hotdash_app nologin noinherit;
  end if;
exception when duplicate_object or unique_violation then
  null; -- another database of this server created it at the same moment
end
$$;

-- hotdash::tables::inventory::InventoryAction
create table public.inventory_actions (
  id serial not null,
  shop_domain text not null,
  sku text not null,
  product_name text,
  action_type text not null,
  quantity integer,
  vendor text,
  days_of_cover numeric(5, 2),
  velocity_14d numeric(8, 2),
  created_by text not null,
  created_at timestamptz default now(),
  metadata jsonb,
  constraint inventory_actions_pkey primary key (id),
  constraint inventory_actions_action_type_check check (action_type in ('approve_reorder', 'skip', 'remind_later'))
);

alter table public.inventory_actions enable row level security;
alter table public.inventory_actions force row level security;
revoke all on table public.inventory_actions from public, hotdash_app;
revoke all on sequence public.inventory_actions_id_seq from public, hotdash_app;
create index idx_inventory_actions_shop_sku on public.inventory_actions (shop_domain, sku, created_at desc);

create policy "Users can insert own shop inventory actions" on public.inventory_actions
  as permissive for insert to hotdash_app
  with check (shop_domain = (select current_setting('app.current_shop', true)) and shop_domain > '');

create policy "Users can view own shop inventory actions" on public.inventory_actions
  as permissive for select to hotdash_app
  using (shop_domain = (select current_setting('app.current_shop', true)) and shop_domain > '');

grant select, insert on table public.inventory_actions to hotdash_app;
grant usage on sequence public.inventory_actions_id_seq to hotdash_app;
comment on table public.inventory_actions is 'One action taken on the inventory tile.';

-- hotdash::tables::notification::Notification
create table public.notifications (
  id serial not null,
  user_id text not null,
  type text not null,
  priority text not null,
  title text not null,
  message text,
  action_url text,
  read_at timestamptz,
  created_at timestamptz default now(),
  metadata jsonb,
  constraint notifications_pkey primary key (id),
  constraint notifications_priority_check check (priority in ('critical', 'high', 'medium', 'low')),
  constraint notifications_type_check check (type in ('approval', 'alert', 'system', 'escalation'))
);

alter table public.notifications enable row level security;
alter table public.notifications force row level security;
revoke all on table public.notifications from public, hotdash_app;
revoke all on sequence public.notifications_id_seq from public, hotdash_app;
create index idx_notifications_unread on public.notifications (user_id, read_at) where read_at is null;
create index idx_notifications_user on public.notifications (user_id, created_at desc);

create policy tenant_delete on public.notifications
  as permissive for delete to hotdash_app
  using (user_id = (select current_setting('app.current_user', true)) and user_id > '');

create policy tenant_insert on public.notifications
  as permissive for insert to hotdash_app
  with check (user_id = (select current_setting('app.current_user', true)) and user_id > '');

create policy tenant_select on public.notifications
  as permissive for select to hotdash_app
  using (user_id = (select current_setting('app.current_user', true)) and user_id > '');

create policy tenant_update on public.notifications
  as permissive for update to hotdash_app
  using (user_id = (select current_setting('app.current_user', true)) and user_id > '')
  with check (user_id = (select current_setting('app.current_user', true)) and user_id > '');

grant select, insert, update, delete on table public.notifications to hotdash_app;
grant usage on sequence public.notifications_id_seq to hotdash_app;
comment on table public.notifications is 'One message to one user.';

-- hotdash::tables::sales::SalesPulseAction
create table public.sales_pulse_actions (
  id serial not null,
  shop_domain text not null,
  variance_pct numeric(5, 2),
  action_type text not null,
  notes text,
  created_by text not null,
  created_at timestamptz default now(),
  metadata jsonb,
  constraint sales_pulse_actions_pkey primary key (id),
  constraint sales_pulse_actions_action_type_check check (action_type in ('log_follow_up', 'escalate_to_ops', 'no_action'))
);

alter table public.sales_pulse_actions enable row level security;
alter table public.sales_pulse_actions force row level security;
revoke all on table public.sales_pulse_actions from public, hotdash_app;
revoke all on sequence public.sales_pulse_actions_id_seq from public, hotdash_app;
create index idx_sales_actions_shop on public.sales_pulse_actions (shop_domain, created_at desc);

create policy "Users can insert own shop sales actions" on public.sales_pulse_actions
  as permissive for insert to hotdash_app
  with check (shop_domain = (select current_setting('app.current_shop', true)) and shop_domain > '');

create policy "Users can view own shop sales actions" on public.sales_pulse_actions
  as permissive for select to hotdash_app
  using (shop_domain = (select current_setting('app.current_shop', true)) and shop_domain > '');

grant select, insert on table public.sales_pulse_actions to hotdash_app;
grant usage on sequence public.sales_pulse_actions_id_seq to hotdash_app;
comment on table public.sales_pulse_actions is 'One action taken on the sales-pulse tile.';

-- hotdash::tables::social::SocialPost
create table public.social_posts (
  id serial not null,
  shop_domain text not null,
  platform text not null,
  status text not null,
  content text not null,
  media_urls text[],
  scheduled_at timestamptz,
  published_at timestamptz,
  publer_post_id text,
  created_by text not null,
  created_at timestamptz default now(),
  metadata jsonb,
  constraint social_posts_pkey primary key (id),
  constraint social_posts_platform_check check (platform in ('facebook', 'instagram', 'twitter', 'linkedin')),
  constraint social_posts_status_check check (status in ('draft', 'approved', 'published', 'failed'))
);

alter table public.social_posts enable row level security;
alter table public.social_posts force row level security;
revoke all on table public.social_posts from public, hotdash_app;
revoke all on sequence public.social_posts_id_seq from public, hotdash_app;
create index idx_social_posts_shop_status on public.social_posts (shop_domain, status, created_at desc);

create policy tenant_delete on public.social_posts
  as permissive for delete to hotdash_app
  using (shop_domain = (select current_setting('app.current_shop', true)) and shop_domain > '');

create policy tenant_insert on public.social_posts
  as permissive for insert to hotdash_app
  with check (shop_domain = (select current_setting('app.current_shop', true)) and shop_domain > '');

create policy tenant_select on public.social_posts
  as permissive for select to hotdash_app
  using (shop_domain = (select current_setting('app.current_shop', true)) and shop_domain > '');

create policy tenant_update on public.social_posts
  as permissive for update to hotdash_app
  using (shop_domain = (select current_setting('app.current_shop', true)) and shop_domain > '')
  with check (shop_domain = (select current_setting('app.current_shop', true)) and shop_domain > '');

grant select, insert, update, delete on table public.social_posts to hotdash_app;
grant usage on sequence public.social_posts_id_seq to hotdash_app;
comment on table public.social_posts is 'One post of one shop.';

-- hotdash::tables::preference::UserPreference
create table public.user_preferences (
  user_id text not null,
  tile_order text[],
  visible_tiles text[],
  default_view text,
  theme text,
  notification_prefs jsonb,
  updated_at timestamptz default now(),
  constraint user_preferences_pkey primary key (user_id),
  constraint user_preferences_default_view_check check (default_view in ('grid', 'list')),
  constraint user_preferences_theme_check check (theme in ('light', 'dark', 'auto'))
);

alter table public.user_preferences enable row level security;
alter table public.user_preferences force row level security;
revoke all on table public.user_preferences from public, hotdash_app;

create policy tenant_delete on public.user_preferences
  as permissive for delete to hotdash_app
  using (user_id = (select current_setting('app.current_user', true)) and user_id > '');

create policy tenant_insert on public.user_preferences
  as permissive for insert to hotdash_app
  with check (user_id = (select current_setting('app.current_user', true)) and user_id > '');

create policy tenant_select on public.user_preferences
  as permissive for select to hotdash_app
  using (user_id = (select current_setting('app.current_user', true)) and user_id > '');

create policy tenant_update on public.user_preferences
  as permissive for update to hotdash_app
  using (user_id = (select current_setting('app.current_user', true)) and user_id > '')
  with check (user_id = (select current_setting('app.current_user', true)) and user_id > '');

grant select, insert, update, delete on table public.user_preferences to hotdash_app;
comment on table public.user_preferences is 'One user''s preferences.';
