-- What HotDash's tables were specified to be, in plain SQL: the catalog that the structs must give.
-- `seed.rs` runs this file in a database of its own and compares. A comment `in (...)` behind a
-- column lists the only texts that it may hold. Predicates stand here in their simplest form; the
-- generated ones also hold against an empty setting.

create table if not exists sales_pulse_actions (
  id serial primary key,
  shop_domain text not null,
  variance_pct decimal(5,2),
  action_type text not null, -- in ('log_follow_up', 'escalate_to_ops', 'no_action')
  notes text,
  created_by text not null,
  created_at timestamptz default now(),
  metadata jsonb
);
create index idx_sales_actions_shop on sales_pulse_actions(shop_domain, created_at desc);
alter table sales_pulse_actions enable row level security;
create policy "Users can view own shop sales actions" on sales_pulse_actions for select
  using (shop_domain = current_setting('app.current_shop', true));
create policy "Users can insert own shop sales actions" on sales_pulse_actions for insert
  with check (shop_domain = current_setting('app.current_shop', true));

create table if not exists inventory_actions (
  id serial primary key,
  shop_domain text not null,
  sku text not null,
  product_name text,
  action_type text not null, -- in ('approve_reorder', 'skip', 'remind_later')
  quantity int,
  vendor text,
  days_of_cover decimal(5,2),
  velocity_14d decimal(8,2),
  created_by text not null,
  created_at timestamptz default now(),
  metadata jsonb
);
create index idx_inventory_actions_shop_sku on inventory_actions(shop_domain, sku, created_at desc);
alter table inventory_actions enable row level security;
create policy "Users can view own shop inventory actions" on inventory_actions for select
  using (shop_domain = current_setting('app.current_shop', true));
create policy "Users can insert own shop inventory actions" on inventory_actions for insert
  with check (shop_domain = current_setting('app.current_shop', true));

-- A user's own; without policies here, with them in the structs.
create table if not exists notifications (
  id serial primary key,
  user_id text not null,
  type text not null, -- in ('approval', 'alert', 'system', 'escalation')
  priority text not null, -- in ('critical', 'high', 'medium', 'low')
  title text not null,
  message text,
  action_url text,
  read_at timestamptz,
  created_at timestamptz default now(),
  metadata jsonb
);
create index idx_notifications_user on notifications(user_id, created_at desc);
create index idx_notifications_unread on notifications(user_id, read_at) where read_at is null;

-- A user's own as well.
create table if not exists user_preferences (
  user_id text primary key,
  tile_order text[],
  visible_tiles text[],
  default_view text, -- in ('grid', 'list')
  theme text, -- in ('light', 'dark', 'auto')
  notification_prefs jsonb,
  updated_at timestamptz default now()
);

-- A shop's own.
create table if not exists social_posts (
  id serial primary key,
  shop_domain text not null,
  platform text not null, -- in ('facebook', 'instagram', 'twitter', 'linkedin')
  status text not null, -- in ('draft', 'approved', 'published', 'failed')
  content text not null,
  media_urls text[],
  scheduled_at timestamptz,
  published_at timestamptz,
  publer_post_id text,
  created_by text not null,
  created_at timestamptz default now(),
  metadata jsonb
);
create index idx_social_posts_shop_status on social_posts(shop_domain, status, created_at desc);
