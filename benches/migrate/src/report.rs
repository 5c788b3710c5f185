//! What the runs amount to: medians, ratios of runs of the same round, and the bars.

use std::time::Duration;

use crate::peers::{Peer, Run};

/// Every run, by case and peer, in the order of the rounds.
#[derive(Default)]
pub(crate) struct Figures {
    near: Series,
    far: Series,
    nothing: Series,
    nothing_far: Series,
    /// What the files take without any tool, in seconds, round by round.
    bare: Vec<f64>,
}

/// The runs of a case, a list for each peer.
#[derive(Default)]
struct Series([Vec<Run>; Peer::ALL.len()]);

impl Series {
    fn push(&mut self, peer: Peer, run: Run) {
        self.0[peer as usize].push(run);
    }

    /// The median of a figure.
    fn median(&self, peer: Peer, figure: fn(&Run) -> f64) -> f64 {
        median(self.0[peer as usize].iter().map(figure))
    }

    /// How many times as long as Tabellion a peer took, run by run; the median, least and greatest.
    fn ratios(&self, peer: Peer, figure: fn(&Run) -> f64) -> [f64; 3] {
        let own = self.0[Peer::Tabellion as usize].iter();
        let pairs = self.0[peer as usize].iter().zip(own);
        let ratios: Vec<f64> = pairs
            .map(|(peer, own)| figure(peer) / figure(own))
            .collect();
        let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
        let greatest = ratios.iter().copied().fold(0.0, f64::max);
        [median(ratios.into_iter()), least, greatest]
    }

    /// The peer that comes nearest to Tabellion, with how many times as long it took.
    fn nearest(&self) -> (Peer, f64) {
        let others = Peer::ALL
            .into_iter()
            .filter(|&peer| peer != Peer::Tabellion);
        let ratios = others.map(|peer| (peer, self.ratios(peer, applying)[0]));
        ratios
            .min_by(|(_, one), (_, other)| one.total_cmp(other))
            .unwrap_or((Peer::Tabellion, 1.0))
    }

    /// The most round trips of a peer's runs.
    fn trips(&self, peer: Peer) -> usize {
        let trips = self.0[peer as usize].iter().map(|run| run.trips);
        trips.max().unwrap_or(0)
    }
}

fn applying(run: &Run) -> f64 {
    run.applying.as_secs_f64()
}

fn whole(run: &Run) -> f64 {
    (run.preparing + run.applying).as_secs_f64()
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

impl Figures {
    /// Enters a run on loopback and one through the proxy, each of them on a fresh database.
    pub(crate) fn applied(&mut self, peer: Peer, near: Run, far: Run) {
        self.near.push(peer, near);
        self.far.push(peer, far);
    }

    /// Enters what the files took without any tool.
    pub(crate) fn bare(&mut self, took: Duration) {
        self.bare.push(took.as_secs_f64());
    }

    /// Enters two runs that had nothing to apply.
    pub(crate) fn nothing(&mut self, peer: Peer, near: Run, far: Run) {
        self.nothing.push(peer, near);
        self.nothing_far.push(peer, far);
    }

    /// Prints it all, and says whether every bar holds.
    pub(crate) fn print(&self) -> bool {
        self.floor();
        self.table("all, on loopback", &self.near);
        self.table("all, 1 ms away", &self.far);
        self.table("nothing, on loopback", &self.nothing);
        self.table("nothing, 1 ms away", &self.nothing_far);
        println!();
        let (near, far, nothing) = (
            self.near.nearest(),
            self.far.nearest(),
            self.nothing.nearest(),
        );
        let trips = self.nothing_far.trips(Peer::Tabellion);
        let bars = [
            (
                "not slower than the fastest peer, on loopback",
                near,
                near.1 >= 1.0,
            ),
            (
                "at least 4 times faster than each peer, 1 ms away",
                far,
                far.1 >= 4.0,
            ),
            (
                "nothing to apply in at most half the time of the fastest peer",
                nothing,
                nothing.1 >= 2.0,
            ),
        ];
        for (bar, (peer, ratio), holds) in bars {
            println!("{}: {bar} ({ratio:.2}, {})", said(holds), peer.name());
        }
        println!(
            "{}: nothing to apply in at most 3 round trips ({trips})",
            said(trips <= 3)
        );
        trips <= 3 && bars.iter().all(|(.., holds)| *holds)
    }

    /// Says what bounds every tool, and so every ratio, on this server.
    fn floor(&self) {
        let over = |series: &Series, peer: Peer| {
            let runs = series.0[peer as usize].iter().zip(&self.bare);
            median(runs.map(|(run, bare)| applying(run) / bare))
        };
        println!(
            "the files without any tool, on loopback: {:.2} s; tabellion takes {:.2} times that, and {:.2} times \
             1 ms away",
            median(self.bare.iter().copied()),
            over(&self.near, Peer::Tabellion),
            over(&self.far, Peer::Tabellion)
        );
        let others = Peer::ALL
            .into_iter()
            .filter(|&peer| peer != Peer::Tabellion);
        let least = others
            .map(|peer| over(&self.far, peer))
            .fold(f64::INFINITY, f64::min);
        println!(
            "the fastest peer takes {least:.2} times that 1 ms away, which is the most to be won there"
        );
    }

    fn table(&self, case: &str, series: &Series) {
        println!(
            "\n{case:<22}{:>10}{:>8}{:>16}{:>14}{:>8}{:>13}  checksums",
            "seconds", "ratio", "least to most", "and before", "ratio", "round trips"
        );
        for peer in Peer::ALL {
            let [ratio, least, most] = series.ratios(peer, applying);
            let trips = match series.trips(peer) {
                0 => "-".to_owned(),
                trips => trips.to_string(),
            };
            println!(
                "{:<22}{:>10.4}{ratio:>8.2}{:>16}{:>14.4}{:>8.2}{trips:>13}  {}",
                peer.name(),
                series.median(peer, applying),
                format!("{least:.2} to {most:.2}"),
                series.median(peer, whole),
                series.ratios(peer, whole)[0],
                if peer.compares() { "compared" } else { "none" }
            );
        }
    }
}

fn said(holds: bool) -> &'static str {
    if holds { "holds" } else { "does not hold" }
}
