-- Sealed by Tabellion, as the way back from `init`.
-- tabellion: locks: public.inventory_actions (access exclusive)
-- tabellion: locks: public.notifications (access exclusive)
-- tabellion: locks: public.sales_pulse_actions (access exclusive)
-- tabellion: locks: public.social_posts (access exclusive)
-- tabellion: locks: public.user_preferences (access exclusive)
-- tabellion: loses-data: table public.inventory_actions: dropped
-- tabellion: loses-data: table public.notifications: dropped
-- tabellion: loses-data: table public.sales_pulse_actions: dropped
-- tabellion: loses-data: table public.social_posts: dropped
-- tabellion: loses-data: table public.user_preferences: dropped

select pg_catalog.set_config('lock_timeout', '5s', true);
select pg_catalog.set_config('statement_timeout', '5min', true);

-- hotdash::tables::preference::UserPreference
-- locks: public.user_preferences (access exclusive); loses-data: table public.user_preferences: dropped
drop table public.user_preferences;

-- hotdash::tables::social::SocialPost
-- locks: public.social_posts (access exclusive); loses-data: table public.social_posts: dropped
drop table public.social_posts;

-- hotdash::tables::sales::SalesPulseAction
-- locks: public.sales_pulse_actions (access exclusive); loses-data: table public.sales_pulse_actions: dropped
drop table public.sales_pulse_actions;

-- hotdash::tables::notification::Notification
-- locks: public.notifications (access exclusive); loses-data: table public.notifications: dropped
drop table public.notifications;

-- hotdash::tables::inventory::InventoryAction
-- locks: public.inventory_actions (access exclusive); loses-data: table public.inventory_actions: dropped
drop table public.inventory_actions;
