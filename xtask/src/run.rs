//! Runs one program, in the open.

use std::fmt;
use std::process::{Command, ExitCode, ExitStatus};

/// How a program failed.
#[derive(Debug)]
pub(crate) struct Failed {
    what: String,
    why: String,
    code: u8,
}

impl Failed {
    /// The program's own exit code, or 1 where it had none.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", self.what, self.why)
    }
}

/// Prints a line of this program's own.
pub(crate) fn say(text: impl fmt::Display) {
    eprintln!("xtask: {text}");
}

/// Runs a program whose output goes where this one's goes, after printing its command line.
pub(crate) fn run(command: &mut Command) -> Result<(), Failed> {
    let what = describe(command);
    say(format_args!("running `{what}`"));
    let status = command.status();
    judge(what, status)
}

/// Runs a program, after printing its command line, and gives what it printed.
pub(crate) fn capture(command: &mut Command) -> Result<String, Failed> {
    let what = describe(command);
    say(format_args!("running `{what}`"));
    let output = command.stderr(std::process::Stdio::inherit()).output();
    let (status, text) = match output {
        Ok(output) => (
            Ok(output.status),
            String::from_utf8_lossy(&output.stdout).into_owned(),
        ),
        Err(error) => (Err(error), String::new()),
    };
    judge(what, status).map(|()| text)
}

fn judge(what: String, status: std::io::Result<ExitStatus>) -> Result<(), Failed> {
    let (why, code) = match status {
        Ok(status) if status.success() => return Ok(()),
        Ok(status) => (
            match status.code() {
                Some(code) => format!("ended with exit code {code}"),
                None => "was ended by a signal".to_owned(),
            },
            status.code().and_then(|code| u8::try_from(code).ok()),
        ),
        Err(error) => (format!("cannot be run: {error}"), None),
    };
    Err(Failed {
        what,
        why,
        code: code.unwrap_or(1),
    })
}

fn describe(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn the_exit_code_is_passed_on() {
        assert!(run(&mut shell("true")).is_ok());
        let failed = run(&mut shell("exit 7")).unwrap_err();
        assert_eq!(failed.code, 7);
        assert_eq!(failed.to_string(), "`sh -c exit 7` ended with exit code 7");
        assert_eq!(run(&mut shell("kill -9 $$")).unwrap_err().code, 1);
    }

    #[test]
    fn output_is_captured_and_a_missing_program_is_a_failure() {
        assert_eq!(capture(&mut shell("echo out")).unwrap(), "out\n");
        let failed = capture(&mut Command::new("/nonexistent/program")).unwrap_err();
        assert!(
            failed
                .to_string()
                .starts_with("`/nonexistent/program` cannot be run: ")
        );
    }
}
