//! What is told while something runs.

mod support;

use std::io::Read;
use std::time::Instant;

use support::migrate_support::{Project, client};
use support::{PLAIN, Shop, read};

/// A file in a transaction that takes a while, and one outside of which the second statement does.
fn slow() -> Project {
    let project = Project::new();
    project.seal_sql(
        "slow",
        "create table public.one (id int);\nselect pg_sleep(2.5);",
        "drop table public.one;",
    );
    let header = "-- Draft.\n-- tabellion: no-transaction\n\n";
    project.seal_text(
        "outside",
        &format!(
            "{header}create index concurrently one_id on public.one (id);\nselect pg_sleep(2.5);\n\
             create table public.two (id int);\n"
        ),
        &format!(
            "{header}drop table public.two;\nselect 1;\ndrop index concurrently public.one_id;\n"
        ),
    );
    project
}

fn is_time(text: &str) -> bool {
    text.len() == 20
        && text.bytes().enumerate().all(|(index, byte)| match index {
            4 | 7 => byte == b'-',
            10 => byte == b'T',
            13 | 16 => byte == b':',
            19 => byte == b'Z',
            _ => byte.is_ascii_digit(),
        })
}

#[tokio::test]
async fn a_log_gets_a_line_from_time_to_time() {
    let shop = Shop::new(slow(), PLAIN).await;
    let versions = shop.versions();
    let run = shop
        .run(&["apply", "--heartbeat", "1", "--evidence", "left"])
        .code(0);
    assert_eq!(run.out.lines().count(), 2, "{}", run.out);
    let mut lines = Vec::new();
    for line in run.err.lines() {
        let (time, rest) = line.split_once(' ').unwrap();
        assert!(is_time(time), "{line}");
        lines.push(rest);
    }
    let slow = format!("apply {}_slow: 2 statements in one message, ", versions[0]);
    let outside = format!("apply {}_outside: statement 2 of 3, ", versions[1]);
    for start in [slow, outside] {
        let told: Vec<&&str> = lines
            .iter()
            .filter(|line| line.starts_with(&start))
            .collect();
        assert!(told.len() >= 2, "{start}: {lines:?}");
        assert!(told.iter().all(|line| line.ends_with(" s")), "{told:?}");
    }
    // The evidence keeps them, and each statement that was reached.
    let log = read(shop.folder().join("left/log.txt"));
    assert!(log.lines().all(|line| is_time(&line[..20])), "{log}");
    for number in 1..=3 {
        assert!(
            log.contains(&format!("_outside: statement {number} of 3\n")),
            "{log}"
        );
    }
    for line in run.err.lines().chain(run.out.lines()) {
        let rest = if is_time(&line[..20]) {
            &line[21..]
        } else {
            line
        };
        assert!(log.contains(rest), "{line} is not in\n{log}");
    }
}

#[tokio::test]
async fn machines_get_events() {
    let shop = Shop::new(slow(), PLAIN).await;
    let versions = shop.versions();
    let lines = shop
        .run(&["apply", "--heartbeat", "1", "--json"])
        .code(0)
        .lines();
    let of = |event: &str| -> Vec<&serde_json::Value> {
        lines.iter().filter(|line| line["event"] == event).collect()
    };
    assert!(
        lines
            .iter()
            .all(|line| is_time(line["at"].as_str().unwrap()))
    );
    assert_eq!(of("running").len(), 2);
    assert_eq!(of("running")[0]["version"], versions[0]);
    assert_eq!(of("running")[0]["statements"], 2);
    assert_eq!(of("running")[0]["run"], "apply");
    let reached: Vec<_> = of("statement")
        .iter()
        .map(|line| line["number"].as_u64())
        .collect();
    assert_eq!(reached, [Some(1), Some(2), Some(3)]);
    assert!(of("progress").len() >= 4, "{lines:?}");
    assert_eq!(of("done")[1]["entry"]["version"], versions[1]);
    assert_eq!(lines.last().unwrap()["event"], "outcome");
    assert_eq!(lines.last().unwrap()["entries"][1], of("done")[1]["entry"]);
    let back = shop.run(&["rollback", "--json"]).code(0).lines();
    assert_eq!(back[0]["run"], "rollback");
}

#[tokio::test]
async fn who_holds_the_lock_is_told_meanwhile() {
    let shop = Shop::new(Project::sealed(), PLAIN).await;
    shop.run(&["apply", "--to", &shop.versions()[0]]).code(0);
    let holder = client(shop.database.url()).await;
    holder
        .batch_execute("begin; select pg_advisory_xact_lock(8386092168890837359)")
        .await
        .unwrap();
    let began = Instant::now();
    let run = shop
        .run(&["apply", "--lock-wait", "3", "--heartbeat", "1"])
        .code(5);
    assert!(began.elapsed().as_secs() >= 3);
    assert!(
        run.err.starts_with("waiting for another process: process "),
        "{}",
        run.err
    );
    assert!(
        run.err.contains(" waiting for another process: 1 s\n"),
        "{}",
        run.err
    );
    let last = run.err.lines().last().unwrap();
    assert!(last.starts_with("error: "), "{last}");
    let lines = shop
        .run(&["apply", "--lock-wait", "1", "--json"])
        .code(5)
        .lines();
    let waiting = lines
        .iter()
        .find(|line| line["event"] == "waiting")
        .unwrap();
    assert!(waiting["holder"].as_str().unwrap().starts_with("process "));
    assert_eq!(lines.last().unwrap()["error"]["kind"], "held");
    shop.run(&["apply", "--heartbeat", "0"]).code(2);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_terminal_gets_one_line_that_is_cleared() {
    use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};

    let shop = Shop::new(slow(), PLAIN).await;
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let slave = ioctl_tiocgptpeer(&master, OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    let size = rustix::termios::Winsize {
        ws_row: 24,
        ws_col: 120,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    rustix::termios::tcsetwinsize(&slave, size).unwrap();
    let mut command = shop.command(&["apply", "--heartbeat", "1"]);
    command.env("TERM", "xterm").stderr(slave);
    let mut child = command.stdout(std::process::Stdio::null()).spawn().unwrap();
    drop(command);
    let mut terminal = std::fs::File::from(master);
    let mut shown = Vec::new();
    // The other end closes with the process: an error, as Linux has it.
    let _ = terminal.read_to_end(&mut shown);
    assert!(child.wait().unwrap().success());
    let shown = String::from_utf8_lossy(&shown);
    let versions = shop.versions();
    for part in [
        format!("apply {}_slow: 2 statements in one message", versions[0]),
        format!("apply {}_outside: statement 2 of 3", versions[1]),
    ] {
        assert!(shown.contains(&part), "{shown}");
    }
    assert!(shown.contains(" 1s") || shown.contains(" 2s"), "{shown}");
    // No lines of a log, and the bar is gone in the end.
    assert!(!shown.contains("Z apply "), "{shown}");
    assert!(
        shown.ends_with("\u{1b}[2K") || shown.trim_end().ends_with("\u{1b}[2K"),
        "{shown:?}"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn an_interrupted_apply_says_that_the_server_may_go_on() {
    use rustix::process::{Pid, Signal, kill_process};

    let shop = Shop::new(Project::new(), PLAIN).await;
    shop.project
        .seal_sql("slow", "select pg_sleep(60);", "select 1;");
    let child = shop
        .command(&["apply"])
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the command runs");
    let asleep = "select count(*) from pg_stat_activity
                  where query like '%pg_sleep(60)%' and state = 'active' and pid <> pg_backend_pid()
                    and datname = current_database()";
    let began = Instant::now();
    while shop.number(asleep).await == 0 {
        assert!(began.elapsed().as_secs() < 60, "it never began");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let pid = i32::try_from(child.id()).unwrap();
    kill_process(Pid::from_raw(pid).unwrap(), Signal::INT).unwrap();
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(4));
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(said.contains("the server may go on"), "{said}");
}

#[cfg(unix)]
#[tokio::test]
async fn interrupted_while_it_connects_it_says_that_nothing_was_sent() {
    use rustix::process::{Pid, Signal, kill_process};

    let shop = Shop::new(Project::sealed(), PLAIN).await;
    // A server that never answers.
    let mute = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = mute.local_addr().unwrap().port();
    for (command, signal) in [("apply", Signal::TERM), ("rollback", Signal::INT)] {
        let child = shop
            .command(&[command, "--json"])
            .env("SHOP_URL", format!("postgres://ana@127.0.0.1:{port}/shop"))
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("the command runs");
        let _held = mute.accept().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
        let ended = child.wait_with_output().unwrap();
        assert_eq!(ended.status.code(), Some(4));
        let said = String::from_utf8(ended.stdout).unwrap();
        assert!(said.contains("\"kind\":\"interrupted\""), "{said}");
        assert!(
            said.contains("interrupted before the server was sent a file"),
            "{said}"
        );
    }
}
