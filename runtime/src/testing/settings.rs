//! How a throw-away server is configured: nothing survives it, so nothing is made durable.

use std::fmt::Write as _;
use std::path::Path;

/// How many connections a server takes: a test binary runs a pool or two in each thread.
const CONNECTIONS: u32 = 200;

/// The password method of every connection.
///
/// A driver built without optimisation spends a tenth of a second on SCRAM's usual 4096 rounds,
/// at every connection. PostgreSQL 16 can lower the rounds; 15 cannot and takes MD5 instead.
/// The passwords are random, so that neither makes guessing them any easier.
pub(super) fn password_method(major: u32) -> &'static str {
    if major >= 16 { "scram-sha-256" } else { "md5" }
}

/// The whole `postgresql.conf`.
pub(super) fn postgresql_conf(major: u32, port: u16, socket_folder: &Path) -> String {
    let mut text = format!(
        "listen_addresses = '127.0.0.1'\n\
         port = {port}\n\
         unix_socket_directories = '{}'\n\
         unix_socket_permissions = 0700\n\
         max_connections = {CONNECTIONS}\n\
         password_encryption = '{}'\n",
        quoted(&socket_folder.display().to_string()),
        password_method(major),
    );
    // Shared memory lies in the data folder, so that it cannot outlive it and needs no /dev/shm.
    // No autovacuum and no compiler: plans depend on what a test did, not on when it ran.
    text.push_str(
        "fsync = off\n\
         synchronous_commit = off\n\
         full_page_writes = off\n\
         wal_level = minimal\n\
         max_wal_senders = 0\n\
         wal_init_zero = off\n\
         wal_recycle = off\n\
         max_wal_size = 1GB\n\
         checkpoint_timeout = 1h\n\
         shared_buffers = 64MB\n\
         huge_pages = off\n\
         dynamic_shared_memory_type = mmap\n\
         autovacuum = off\n\
         jit = off\n\
         update_process_title = off\n\
         lc_messages = 'C'\n\
         timezone = 'UTC'\n\
         log_timezone = 'UTC'\n",
    );
    if major >= 16 {
        text.push_str("scram_iterations = 1\n");
    }
    if major >= 18 {
        // The default starts three worker processes.
        text.push_str("io_method = sync\n");
    }
    text
}

/// The whole `pg_hba.conf`: a password for everyone, so that loopback is closed to other users.
pub(super) fn pg_hba_conf(major: u32) -> String {
    let method = password_method(major);
    let mut text = String::new();
    let _ = writeln!(text, "local all all {method}");
    let _ = writeln!(text, "host all all 127.0.0.1/32 {method}");
    text
}

fn quoted(value: &str) -> String {
    value.replace('\\', "\\\\").replace('\'', "''")
}
