//! The report: sections, steps, what each checked and how long it took.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use crate::Stop;
use crate::checks::{Checks, count};

/// The width of a step's title, and of the words beside it.
const TITLE: usize = 30;
const DETAIL: usize = 37;

/// What has been counted so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Steps that came to an end.
    pub steps: usize,
    /// Checks made.
    pub checks: usize,
    /// A sentence for each check that did not hold.
    pub failed: Vec<String>,
    /// The step that could not be finished, if one could not.
    pub stopped: Option<String>,
}

/// A report that is written while things happen.
pub struct Report {
    out: Box<dyn Write>,
    colour: bool,
    begun: Instant,
    sections: usize,
    tally: Tally,
    /// The first error of writing; nothing is written after it.
    broken: Option<io::Error>,
}

impl Report {
    /// To standard output: coloured where that is a terminal and `NO_COLOR` is not set.
    pub fn to_stdout() -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let colour = io::stdout().is_terminal() && !plain;
        Report::new(io::stdout(), colour)
    }

    /// To anything else.
    pub fn new(out: impl Write + 'static, colour: bool) -> Self {
        Report {
            out: Box::new(out),
            colour,
            begun: Instant::now(),
            sections: 0,
            tally: Tally::default(),
            broken: None,
        }
    }

    /// What has been counted so far.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    pub(crate) fn title(&mut self, words: &str) {
        let words = self.paint(BOLD, words);
        self.line(&words);
    }

    pub(crate) fn section(&mut self, words: &str) {
        self.sections += 1;
        let number = self.sections;
        let words = self.paint(BOLD, words);
        self.line(&format!("\n{number}  {words}"));
    }

    /// One step: does its work, then prints its line. Checks that do not hold do not end the story;
    /// an error does.
    pub(crate) async fn step<T>(
        &mut self,
        title: &str,
        work: impl AsyncFnOnce(&mut Checks) -> Result<T, Stop>,
    ) -> Result<T, Stop> {
        let begun = Instant::now();
        let mut checks = Checks::default();
        let result = work(&mut checks).await;
        if result.is_err() {
            self.tally.stopped = Some(title.to_owned());
        }
        self.tally.steps += 1;
        self.tally.checks += checks.made();
        let holds = result.is_ok() && checks.all_hold();
        // Words that tell of success have no place beside a failure.
        let (mark, words) = if holds {
            ("ok  ", checks.words())
        } else {
            ("FAIL", "")
        };
        let row = row(title, words, checks.made(), begun.elapsed());
        let mark = self.paint(if holds { GREEN } else { RED }, mark);
        self.line(&format!("   {mark}  {row}"));
        for sentence in checks.into_failed() {
            self.line(&format!("         {}", self.paint(RED, &sentence)));
            self.tally.failed.push(sentence);
        }
        result
    }

    /// Prints the last line. Says whether everything held.
    ///
    /// # Errors
    /// What kept the report from being written.
    pub fn finish(mut self) -> Result<bool, Stop> {
        let line = summary(&self.tally, self.begun.elapsed());
        let holds = self.tally.failed.is_empty() && self.tally.stopped.is_none();
        let line = self.paint(if holds { GREEN } else { RED }, &line);
        self.line(&format!("\n{line}"));
        if let Err(error) = self.out.flush() {
            self.broken.get_or_insert(error);
        }
        match self.broken {
            None => Ok(holds),
            Some(error) => Err(Stop::new(format!("the report cannot be written: {error}"))),
        }
    }

    fn line(&mut self, text: &str) {
        if self.broken.is_none() {
            self.broken = writeln!(self.out, "{text}").err();
        }
    }

    fn paint(&self, colour: &str, text: &str) -> String {
        if self.colour {
            format!("{colour}{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

const BOLD: &str = "\x1b[1m";
const GREEN: &str = "\x1b[32m";
const RED: &str = "\x1b[31m";

fn row(title: &str, detail: &str, checks: usize, took: Duration) -> String {
    let checks = match checks {
        0 => String::new(),
        1 => "1 check ".to_owned(),
        checks => format!("{checks} checks"),
    };
    let took = milliseconds(took);
    format!("{title:<TITLE$}  {detail:<DETAIL$} {checks:>10} {took:>9}")
}

fn summary(tally: &Tally, took: Duration) -> String {
    let made = count(tally.checks, "check");
    let steps = count(tally.steps, "step");
    let took = format!("{:.2} s", took.as_secs_f64());
    let failed = tally.failed.len();
    match &tally.stopped {
        Some(title) => format!("stopped at `{title}`: {made}, {failed} failed, {steps}, {took}"),
        None if failed > 0 => format!("not proven: {made}, {failed} failed, {steps}, {took}"),
        None => format!("proven: {made}, none failed, {steps}, {took}"),
    }
}

fn milliseconds(took: Duration) -> String {
    format!("{:.1} ms", took.as_secs_f64() * 1_000.0)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex, PoisonError};

    use super::*;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut text = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            text.write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Shared {
        fn text(&self) -> String {
            let text = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            String::from_utf8_lossy(&text).into_owned()
        }
    }

    struct Closed;

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    async fn two_steps(report: &mut Report) -> Result<(), Stop> {
        report.section("One");
        report
            .step("a step", async |checks: &mut Checks| {
                checks.detail("3 rows");
                checks.equal("rows", 3, 3);
                Ok(())
            })
            .await?;
        report
            .step("another", async |checks: &mut Checks| {
                checks.equal("rows of the other", 0, 2);
                Ok(())
            })
            .await
    }

    #[tokio::test]
    async fn lines_are_aligned_and_a_failed_check_is_told_and_counted() -> Result<(), Stop> {
        let out = Shared::default();
        let mut report = Report::new(out.clone(), false);
        two_steps(&mut report).await?;
        assert_eq!(report.tally().checks, 2);
        assert!(!report.finish()?);
        let text = out.text();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[1], "1  One");
        let ends = |line: &str| (line.len(), line.find("1 check "), line.rfind(" ms"));
        assert_eq!(ends(lines[2]), ends(lines[3]));
        assert!(lines[2].starts_with("   ok    a step"));
        assert!(lines[3].starts_with("   FAIL  another"));
        assert_eq!(lines[4], "         rows of the other: expected 0, found 2");
        assert!(lines[6].starts_with("not proven: 2 checks, 1 failed, 2 steps, "));
        assert!(!text.contains('\x1b'));
        Ok(())
    }

    #[tokio::test]
    async fn an_error_ends_the_story_and_names_the_step() -> Result<(), Stop> {
        let out = Shared::default();
        let mut report = Report::new(out.clone(), true);
        let ended = report
            .step("a step", async |_: &mut Checks| {
                Err::<(), _>(Stop::new("the server is gone; start it"))
            })
            .await;
        assert_eq!(
            ended.map_err(|stop| stop.to_string()),
            Err("the server is gone; start it".to_owned())
        );
        assert!(!report.finish()?);
        assert!(
            out.text()
                .contains("stopped at `a step`: 0 checks, 0 failed, 1 step, ")
        );
        assert!(out.text().contains("\x1b[31mFAIL\x1b[0m"));
        Ok(())
    }

    #[test]
    fn a_report_that_cannot_be_written_proves_nothing() {
        let mut report = Report::new(Closed, false);
        report.section("One");
        let finished = report.finish().map_err(|stop| stop.to_string());
        assert_eq!(
            finished,
            Err("the report cannot be written: broken pipe".to_owned())
        );
    }
}
