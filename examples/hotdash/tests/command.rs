//! `cargo run -p hotdash`, as somebody runs it.

use std::error::Error;
use std::process::{Command, Output};

use tabellion::testing::{Server, locate};
use tokio_postgres::NoTls;

fn hotdash() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hotdash"));
    command.env("RUST_BACKTRACE", "1").env_remove("NO_COLOR");
    command
}

fn texts(output: &Output) -> (String, String) {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

#[test]
fn it_proves_everything_and_prints_a_report_in_columns() -> std::io::Result<()> {
    let output = hotdash().output()?;
    let (report, errors) = texts(&output);
    assert!(output.status.success(), "{report}\n{errors}");
    assert_eq!(errors, "");

    let lines: Vec<&str> = report.lines().collect();
    let steps: Vec<&&str> = lines
        .iter()
        .filter(|line| line.starts_with("   ok    "))
        .collect();
    for step in [
        "start PostgreSQL",
        "apply it",
        "verify the catalog",
        "insert rows of two shops",
        "insert rows of two users",
        "sales_pulse_actions",
        "inventory_actions",
        "social_posts",
        "notifications",
        "user_preferences",
        "acme at globex's rows",
        "globex at acme's rows",
        "ada at grace's rows",
        "grace at ada's rows",
        "a scope with an empty field",
        "a superuser's login",
        "no setting",
        "an empty setting",
        "roll back",
        "compare the catalog",
        "apply it again",
        "verify it again",
    ] {
        let printed = format!("   ok    {step:<30}  ");
        assert!(
            steps.iter().any(|line| line.starts_with(&printed)),
            "{step}\n{report}"
        );
    }
    let width = steps.iter().map(|line| line.len()).max();
    assert!(
        steps
            .iter()
            .all(|line| Some(line.len()) == width && line.ends_with(" ms")),
        "{report}"
    );
    assert!(width <= Some(100), "{report}");
    let last = lines.last().copied().unwrap_or_default();
    assert!(
        last.starts_with("proven: ") && last.contains(" checks, none failed, "),
        "{last}"
    );
    for noise in ["FAIL", "\x1b", "postgres://", "postgresql://"] {
        assert!(!report.contains(noise), "{noise}\n{report}");
    }
    Ok(())
}

#[test]
fn without_a_server_it_fails_in_one_sentence() -> std::io::Result<()> {
    let output = hotdash()
        .env_remove("DATABASE_URL")
        .env("TABELLION_PG_BIN", "/nowhere")
        .output()?;
    let (report, errors) = texts(&output);
    assert_eq!(output.status.code(), Some(1), "{report}\n{errors}");
    assert!(report.contains("FAIL  start PostgreSQL"), "{report}");
    assert!(
        report.contains("stopped at `start PostgreSQL`: 0 checks, 0 failed, "),
        "{report}"
    );
    assert_eq!(errors.lines().count(), 1, "{errors}");
    assert!(
        errors.starts_with("error: ") && errors.contains("TABELLION_PG_BIN"),
        "{errors}"
    );
    Ok(())
}

#[test]
fn a_server_that_is_down_is_told_without_the_password() -> std::io::Result<()> {
    let output = hotdash()
        .env(
            "DATABASE_URL",
            "postgres://somebody:hunter2@127.0.0.1:1/hotdash",
        )
        .output()?;
    let (report, errors) = texts(&output);
    assert_eq!(output.status.code(), Some(1), "{report}\n{errors}");
    assert_eq!(errors.lines().count(), 1, "{errors}");
    assert!(
        errors.starts_with("error: ") && errors.contains("DATABASE_URL"),
        "{errors}"
    );
    assert!(
        !format!("{report}{errors}").contains("hunter2"),
        "{report}\n{errors}"
    );
    Ok(())
}

/// A server on which the scope's role may read everything: row-level security still holds it, and one
/// kind of check does not.
#[tokio::test]
async fn a_check_that_does_not_hold_fails_the_command() -> Result<(), Box<dyn Error>> {
    let server = Server::start_from(&locate()?)?;
    let (client, connection) = tokio_postgres::connect(server.admin_url(), NoTls).await?;
    tokio::spawn(connection);
    let too_much = "create role hotdash_app nologin; grant pg_read_all_data to hotdash_app";
    client.batch_execute(too_much).await?;

    let mut command = hotdash();
    command.env("DATABASE_URL", server.admin_url());
    let output = tokio::task::spawn_blocking(move || command.output()).await??;
    let (report, errors) = texts(&output);
    assert_eq!(output.status.code(), Some(1), "{report}\n{errors}");
    assert_eq!(errors, "");
    let told = "notifications: last_value: expected a missing privilege, found 1 row";
    assert!(
        report.contains("FAIL  what policies do not stop") && report.contains(told),
        "{report}"
    );
    assert!(report.contains("\nnot proven: "), "{report}");
    Ok(())
}
