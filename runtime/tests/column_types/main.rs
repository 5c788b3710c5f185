//! Every column type that Tabellion adds to those of postgres-types, there and back on a real server,
//! and as the server itself shows it.

mod fixture;
mod made_by_the_server;
mod networks;
mod ranges;
mod texts;
mod vectors;
