//! The operations, each done by every contender in turn.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use crate::memory;
use crate::peers::{self, Fault, PAGE, Peer, Place};
use crate::report::{Case, Ratio, Turn};
use crate::stage::{SHOPS, Stage};

/// How many operations a turn has, where one takes microseconds.
const OPERATIONS: u32 = 50;

/// How many tasks share a pool, and how many connections it has.
const TASKS: u32 = 16;
const CONNECTIONS: u32 = 8;

/// Processor time of this process so far.
fn busy() -> Duration {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    let nanos = u32::try_from(now.tv_nsec).unwrap_or(0);
    Duration::new(seconds, nanos)
}

/// Another shop each time, the same ones for each contender.
fn shop(number: u32) -> String {
    format!("shop{}.example", number.wrapping_mul(7919) % SHOPS)
}

/// One turn of a contender.
async fn turn(
    operations: u32,
    work: impl AsyncFnOnce() -> Result<(), Fault>,
) -> Result<Turn, Fault> {
    let (start, before) = (Instant::now(), busy());
    work().await?;
    Ok(Turn {
        took: start.elapsed(),
        busy: busy().saturating_sub(before),
        operations,
        grown: 0,
    })
}

/// Lists for the turns of those that take part.
fn lists(peers: &[Box<dyn Peer>]) -> Vec<(&'static str, Vec<Turn>)> {
    peers.iter().map(|peer| (peer.name(), Vec::new())).collect()
}

/// The contenders in the order of a round: each begins in turn.
fn order(count: usize, round: usize) -> impl Iterator<Item = usize> {
    (0..count).map(move |index| (index + round) % count)
}

async fn page(peer: &dyn Peer, number: u32) -> Result<(), Fault> {
    let shop = shop(number);
    let latest = peer.latest(&shop).ok_or("it reads no page")?;
    match latest.await? {
        PAGE => Ok(()),
        count => Err(format!("{} read {count} rows", peer.name()).into()),
    }
}

/// The latest 20 of one connection after the other's.
async fn pages(
    peers: Vec<Box<dyn Peer>>,
    rounds: usize,
) -> Result<Vec<(&'static str, Vec<Turn>)>, Fault> {
    let mut contenders = lists(&peers);
    for peer in &peers {
        for number in 0..OPERATIONS {
            page(peer.as_ref(), number).await?;
        }
    }
    for round in 0..rounds {
        for index in order(peers.len(), round) {
            let peer = peers[index].as_ref();
            let done = turn(OPERATIONS, async || {
                for number in 0..OPERATIONS {
                    page(peer, number * 31 + round as u32).await?;
                }
                Ok(())
            });
            contenders[index].1.push(done.await?);
        }
    }
    Ok(contenders)
}

/// The latest 20 as structs, over one connection on loopback.
pub(crate) async fn latest(stage: &Stage, rounds: usize) -> Result<Case, Fault> {
    let place = Place {
        url: &stage.url,
        connections: 1,
        checks: false,
    };
    let mut peers = peers::all(&place).await?;
    peers.extend(peers::beside(&place).await?.pop());
    Ok(Case {
        title: "The latest 20 as structs, one connection, loopback",
        ratio: Ratio::Time,
        contenders: pages(peers, rounds).await?,
    })
}

/// The same with a round trip of a millisecond more.
pub(crate) async fn away(stage: &Stage, rounds: usize) -> Result<Case, Fault> {
    let added = stage.move_away().await?;
    let url = stage.away();
    let place = Place {
        url: &url,
        connections: 1,
        checks: false,
    };
    let peers = peers::all(&place).await?;
    let mut trips = Vec::new();
    for peer in &peers {
        for number in 0..3 {
            page(peer.as_ref(), number).await?;
        }
        let before = stage.trips();
        page(peer.as_ref(), 0).await?;
        trips.push(format!("{} {}", peer.name(), stage.trips() - before));
    }
    println!(
        "\nThe proxy adds {:.2} ms to a round trip. Round trips of a page: {}.",
        added.as_secs_f64() * 1000.0,
        trips.join("; ")
    );
    Ok(Case {
        title: "The same, 1 ms away",
        ratio: Ratio::Time,
        contenders: pages(peers, rounds).await?,
    })
}

/// The same by tasks that share a pool, whose connections are looked at.
pub(crate) async fn pool(stage: &Stage, rounds: usize) -> Result<Case, Fault> {
    let place = Place {
        url: &stage.url,
        connections: CONNECTIONS,
        checks: true,
    };
    let peers = peers::all(&place).await?;
    let mut contenders = lists(&peers);
    let peers: Vec<Arc<dyn Peer>> = peers.into_iter().map(Arc::from).collect();
    // The first round warms every connection.
    for round in 0..=rounds {
        for index in order(peers.len(), round) {
            let done = turn(TASKS * OPERATIONS, async || {
                let tasks = (0..TASKS).map(|task| {
                    let peer = peers[index].clone();
                    tokio::spawn(async move {
                        for number in 0..OPERATIONS {
                            page(peer.as_ref(), task * 1009 + number * 31 + round as u32).await?;
                        }
                        Ok::<_, Fault>(())
                    })
                });
                for task in tasks.collect::<Vec<_>>() {
                    task.await??;
                }
                Ok(())
            });
            let done = done.await?;
            if round > 0 {
                contenders[index].1.push(done);
            }
        }
    }
    Ok(Case {
        title: "16 tasks over a pool of 8, operations per second, health checks on",
        ratio: Ratio::Speed,
        contenders,
    })
}

/// Many rows inserted, of a hundred thousand.
pub(crate) async fn insert(stage: &Stage, rounds: usize) -> Result<Case, Fault> {
    let place = Place {
        url: &stage.url,
        connections: 1,
        checks: false,
    };
    let mut peers = peers::all(&place).await?;
    peers.extend(peers::beside(&place).await?);
    peers.retain(|peer| peer.insert(Vec::new()).is_some());
    let coming = stage.coming().await?;
    let mut contenders = lists(&peers);
    // The first round prepares what is to be prepared.
    for round in 0..=rounds {
        for index in order(peers.len(), round) {
            let peer = &peers[index];
            stage.clear().await?;
            let rows = coming.clone();
            let done = turn(1, async || {
                let written = peer.insert(rows).ok_or("it inserts nothing")?.await?;
                match written == stage.size.arrivals {
                    true => Ok(()),
                    false => Err(format!("{} wrote {written} rows", peer.name()).into()),
                }
            });
            let done = done.await?;
            stage.check_arrivals().await?;
            if round > 0 {
                contenders[index].1.push(done);
            }
        }
    }
    Ok(Case {
        title: "100,000 rows inserted, binary COPY without row-level security = 1",
        ratio: Ratio::Speed,
        contenders,
    })
}

/// Very many rows read, one after the other.
pub(crate) async fn stream(stage: &Stage, rounds: usize) -> Result<Case, Fault> {
    let place = Place {
        url: &stage.url,
        connections: 1,
        checks: false,
    };
    let mut peers = peers::all(&place).await?;
    peers.retain(|peer| peer.stream().is_some());
    let mut contenders = lists(&peers);
    let mut sums = Vec::new();
    for round in 0..=rounds {
        for index in order(peers.len(), round) {
            let peer = &peers[index];
            let resident = memory::begin()?;
            let done = turn(1, async || {
                sums.push(peer.stream().ok_or("it streams nothing")?.await?);
                Ok(())
            });
            let mut done = done.await?;
            done.grown = memory::peak()?.saturating_sub(resident);
            if round > 0 {
                contenders[index].1.push(done);
            }
        }
    }
    if sums
        .iter()
        .any(|sum| sum.rows != stage.size.archive || *sum != sums[0])
    {
        return Err("two streams brought other rows".into());
    }
    Ok(Case {
        title: "1,000,000 rows streamed as structs",
        ratio: Ratio::Speed,
        contenders,
    })
}
