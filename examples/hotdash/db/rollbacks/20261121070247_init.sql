-- Sealed by Tabellion, as the way back from `init`.
-- tabellion: loses-data: drops table `public.user_preferences`
-- tabellion: loses-data: drops table `public.social_posts`
-- tabellion: loses-data: drops table `public.sales_pulse_actions`
-- tabellion: loses-data: drops table `public.notifications`
-- tabellion: loses-data: drops table `public.inventory_actions`

-- hotdash::tables::preference::UserPreference
drop table public.user_preferences;

-- hotdash::tables::social::SocialPost
drop table public.social_posts;

-- hotdash::tables::sales::SalesPulseAction
drop table public.sales_pulse_actions;

-- hotdash::tables::notification::Notification
drop table public.notifications;

-- hotdash::tables::inventory::InventoryAction
drop table public.inventory_actions;
