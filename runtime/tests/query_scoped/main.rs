//! Scoped queries on a real server: each trap of setting a scope has a test here.

mod broken;
mod cancel;
mod cursors;
mod decode;
mod dropped;
mod each;
mod flights;
mod guises;
mod limits;
mod locks;
mod logins;
mod many;
mod many_flights;
#[path = "../pgbouncer/mod.rs"]
mod pgbouncer;
mod planted;
mod pooled;
mod pooler;
mod proxy;
mod raised;
mod random;
mod raw;
mod reading;
mod savepoints;
mod support;
mod tenants;
mod tls;
mod traces;
mod transactions;
mod unfit;
mod unsent;
mod urls;
mod violations;
mod writes;
mod writing;
mod written;
