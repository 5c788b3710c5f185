//! What the turns amount to: medians, ratios of turns of the same round, and the bars.

use std::time::Duration;

/// One turn of a contender.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Turn {
    /// How long it took.
    pub(crate) took: Duration,
    /// Processor time of this process meanwhile.
    pub(crate) busy: Duration,
    /// How many operations it was.
    pub(crate) operations: u32,
    /// By how much its memory grew at its peak, in bytes, where that was looked at.
    pub(crate) grown: u64,
}

impl Turn {
    fn seconds(&self) -> f64 {
        self.took.as_secs_f64() / f64::from(self.operations)
    }
}

/// The turns of every contender in one case; the first is what the others are compared with.
pub(crate) struct Case {
    pub(crate) title: &'static str,
    /// In which direction the ratio is taken.
    pub(crate) ratio: Ratio,
    pub(crate) contenders: Vec<(&'static str, Vec<Turn>)>,
}

/// What a ratio means.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Ratio {
    /// How many times as long it takes: less is better.
    Time,
    /// How many times as much it does in the same time: more is better.
    Speed,
}

/// What is to be reached.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bar {
    pub(crate) name: &'static str,
    pub(crate) ratio: f64,
}

impl Case {
    /// The turns' ratios to the first contender's turn in the same round, sorted.
    fn ratios(&self, contender: usize) -> Vec<f64> {
        let (Some((_, first)), Some((_, own))) =
            (self.contenders.first(), self.contenders.get(contender))
        else {
            return Vec::new();
        };
        let pairs = first.iter().zip(own);
        let ratios = pairs.map(|(first, own)| match self.ratio {
            Ratio::Time => own.seconds() / first.seconds(),
            Ratio::Speed => first.seconds() / own.seconds(),
        });
        sorted(ratios)
    }

    /// Prints the table, and says whether Tabellion's bar holds.
    pub(crate) fn print(&self, bar: Bar) -> bool {
        println!("\n### {}\n", self.title);
        let what = match self.ratio {
            Ratio::Time => "time, first = 1",
            Ratio::Speed => "speed, first = 1",
        };
        let has_memory = self
            .contenders
            .iter()
            .any(|(_, turns)| turns.iter().any(|turn| turn.grown > 0));
        let memory = if has_memory { " memory grown by |" } else { "" };
        println!(
            "| | {what} | half of the turns | median, an operation | own processor time |{memory}"
        );
        println!(
            "|---|---|---|---|---|{}",
            if has_memory { "---|" } else { "" }
        );
        for (index, (name, turns)) in self.contenders.iter().enumerate() {
            let ratios = self.ratios(index);
            let at = |part: f64| quantile(&ratios, part);
            let seconds = sorted(turns.iter().map(Turn::seconds));
            let busy = sorted(
                turns
                    .iter()
                    .map(|turn| turn.busy.as_secs_f64() / f64::from(turn.operations)),
            );
            let grown = turns.iter().map(|turn| turn.grown).max().unwrap_or(0);
            let grown = match has_memory {
                true => format!(" {:.1} MiB |", grown as f64 / f64::from(1 << 20)),
                false => String::new(),
            };
            println!(
                "| {name} | {:.2} | {:.2} to {:.2} | {} | {} |{grown}",
                at(0.5),
                at(0.25),
                at(0.75),
                short(quantile(&seconds, 0.5)),
                short(quantile(&busy, 0.5)),
            );
        }
        let own = self
            .contenders
            .iter()
            .position(|(name, _)| *name == "Tabellion");
        let reached = own.map_or(f64::NAN, |own| quantile(&self.ratios(own), 0.5));
        let (holds, at) = match self.ratio {
            Ratio::Time => (reached <= bar.ratio, "at most"),
            Ratio::Speed => (reached >= bar.ratio, "at least"),
        };
        println!(
            "\n{}: {} {at} {} ({reached:.2})",
            if holds { "holds" } else { "does not hold" },
            bar.name,
            bar.ratio
        );
        holds
    }
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

/// The value that so large a part of them lies below.
fn quantile(sorted: &[f64], part: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    let index = (last as f64 * part).round() as usize;
    sorted.get(index).copied().unwrap_or(f64::NAN)
}

/// Seconds in a unit that suits them.
fn short(seconds: f64) -> String {
    if seconds < 0.001 {
        format!("{:.0} µs", seconds * 1e6)
    } else if seconds < 0.1 {
        format!("{:.2} ms", seconds * 1e3)
    } else {
        format!("{:.0} ms", seconds * 1e3)
    }
}
