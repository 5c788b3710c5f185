-- Draft by Tabellion: the way back from the draft.
-- Written by the build; sealed together with it.
-- tabellion: locks: public.archive (access exclusive)
-- tabellion: locks: public.arrivals (access exclusive)
-- tabellion: locks: public.orders (access exclusive)
-- tabellion: loses-data: table public.archive: dropped
-- tabellion: loses-data: table public.arrivals: dropped
-- tabellion: loses-data: table public.orders: dropped

select pg_catalog.set_config('lock_timeout', '5s', true);
select pg_catalog.set_config('statement_timeout', '5min', true);

-- bench_query::model::Order
-- locks: public.orders (access exclusive); loses-data: table public.orders: dropped
drop table public.orders;

-- bench_query::model::Arrival
-- locks: public.arrivals (access exclusive); loses-data: table public.arrivals: dropped
drop table public.arrivals;

-- bench_query::model::Archived
-- locks: public.archive (access exclusive); loses-data: table public.archive: dropped
drop table public.archive;
