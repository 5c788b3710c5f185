//! A server far away: a proxy that holds back whatever passes it, and counts round trips.
//!
//! Each piece is due a fixed time after it arrived, whatever else is on its way, so that only latency is
//! added and nothing is taken from the throughput.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// A running proxy to one server.
pub(crate) struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

/// What every connection's threads see.
#[derive(Default)]
struct Shared {
    /// How long a piece is held back, one way, in nanoseconds.
    delay: AtomicU64,
    trips: AtomicUsize,
}

/// Which way a piece goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    ToServer,
    ToClient,
}

impl Proxy {
    /// Starts to listen on 127.0.0.1, for a server that listens there too.
    ///
    /// # Errors
    /// No free port.
    pub(crate) fn start(server: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared::default());
        let proxy = Proxy {
            port,
            shared: Arc::clone(&shared),
        };
        thread::spawn(move || {
            while let Ok((client, _)) = listener.accept() {
                if let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, server)) {
                    let _ = forward(&client, &server, &shared);
                }
            }
        });
        Ok(proxy)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Holds back each piece for so long, one way.
    pub(crate) fn delay(&self, delay: Duration) {
        let nanos = u64::try_from(delay.as_nanos()).unwrap_or(u64::MAX);
        self.shared.delay.store(nanos, Ordering::SeqCst);
    }

    /// How many times a client spoke after the server's last word had reached it.
    pub(crate) fn trips(&self) -> usize {
        self.shared.trips.load(Ordering::SeqCst)
    }
}

fn forward(client: &TcpStream, server: &TcpStream, shared: &Arc<Shared>) -> io::Result<()> {
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let spoke = Arc::new(AtomicBool::new(false));
    for (way, from, to) in [
        (Way::ToServer, client, server),
        (Way::ToClient, server, client),
    ] {
        let (from, to) = (from.try_clone()?, to.try_clone()?);
        let (sender, receiver) = mpsc::channel();
        let (own, speaker) = (Arc::clone(shared), Arc::clone(&spoke));
        thread::spawn(move || take(from, way, &sender, &own, &speaker));
        let speaker = Arc::clone(&spoke);
        thread::spawn(move || give(to, way, &receiver, &speaker));
    }
    Ok(())
}

/// Reads pieces, and says when each is due.
fn take(
    mut from: TcpStream,
    way: Way,
    sender: &mpsc::Sender<(Instant, Vec<u8>)>,
    shared: &Shared,
    client_spoke: &AtomicBool,
) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        let due = Instant::now() + Duration::from_nanos(shared.delay.load(Ordering::SeqCst));
        if way == Way::ToServer && !client_spoke.swap(true, Ordering::SeqCst) {
            shared.trips.fetch_add(1, Ordering::SeqCst);
        }
        if sender.send((due, buffer[..count].to_vec())).is_err() {
            return;
        }
    }
}

/// Passes on each piece once it is due.
fn give(
    mut to: TcpStream,
    way: Way,
    receiver: &mpsc::Receiver<(Instant, Vec<u8>)>,
    client_spoke: &AtomicBool,
) {
    for (due, piece) in receiver {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        if way == Way::ToClient {
            client_spoke.store(false, Ordering::SeqCst);
        }
        if to.write_all(&piece).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
