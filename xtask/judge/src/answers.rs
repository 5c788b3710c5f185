//! What the judges print, read as findings.

use std::fmt;

use serde::Deserialize;
use tokio_postgres::SimpleQueryMessage;

/// What a judge has to say.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    pub(crate) judge: &'static str,
    /// The judge's own name of the rule.
    pub(crate) code: String,
    pub(crate) schema: String,
    pub(crate) message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding {
            judge,
            code,
            schema,
            message,
        } = self;
        write!(f, "{judge} {code} in {schema}: {message}")
    }
}

type Said = Vec<(String, String)>;

/// squawk's `--reporter json`.
pub(crate) fn squawk(text: &str, sql: &str) -> Result<Said, String> {
    #[derive(Deserialize)]
    struct Violation {
        rule_name: String,
        message: String,
        line: usize,
    }
    let found: Vec<Violation> = read(text)?;
    let lines: Vec<&str> = sql.lines().collect();
    let say = |it: Violation| {
        let line = lines.get(it.line).unwrap_or(&"").trim();
        (it.rule_name, format!("{} At `{line}`", it.message))
    };
    Ok(found.into_iter().map(say).collect())
}

/// `pgrls lint --format json`.
pub(crate) fn pgrls_lint(text: &str) -> Result<Said, String> {
    #[derive(Deserialize)]
    struct Violation {
        rule_id: String,
        message: String,
    }
    #[derive(Deserialize)]
    struct Lint {
        violations: Vec<Violation>,
    }
    let lint: Lint = read(text)?;
    let found = lint.violations.into_iter();
    Ok(found.map(|it| (it.rule_id, it.message)).collect())
}

/// `pgrls verify --format json`: what is not proven, and how many tables are.
pub(crate) fn pgrls_verify(text: &str, mode: &str) -> Result<(Said, usize), String> {
    #[derive(Deserialize)]
    struct Policy {
        policy: String,
        verdict: String,
        reason: Option<String>,
    }
    #[derive(Deserialize)]
    struct Table {
        table: String,
        verdict: String,
        note: Option<String>,
        policies: Vec<Policy>,
    }
    #[derive(Deserialize)]
    struct Proof {
        tables: Vec<Table>,
    }
    let proof: Proof = read(text)?;
    let mut said = Said::new();
    let mut proven = 0;
    for table in proof.tables {
        if table.verdict == "isolated" {
            proven += 1;
            continue;
        }
        let open = table.policies.iter().filter(|it| it.verdict != "isolated");
        let why: Vec<String> = open
            .map(|it| {
                format!(
                    "`{}`: {}",
                    it.policy,
                    it.reason.as_deref().unwrap_or_default()
                )
            })
            .chain(table.note)
            .collect();
        let message = format!("{}: {}", table.table, why.join("; "));
        said.push((format!("verify-{mode}-{}", table.verdict), message));
    }
    Ok((said, proven))
}

/// The rows of splinter's statement.
pub(crate) fn splinter(messages: &[SimpleQueryMessage]) -> Said {
    let rows = messages.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.try_get("detail").ok().map(|_| row),
        _ => None,
    });
    rows.map(|row| {
        let text = |column| row.get(column).unwrap_or_default().to_owned();
        (text("name"), text("detail"))
    })
    .collect()
}

fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| format!("{error} in {text:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_quoted_and_what_is_not_proven_is_said() {
        let text = r#"[{"rule_name": "r", "message": "Not so.", "line": 1, "level": "Warning"}]"#;
        let said = squawk(text, "select 1;\n  select 2;\n").expect("it reads");
        assert_eq!(
            said,
            [("r".to_owned(), "Not so. At `select 2;`".to_owned())]
        );

        let text = r#"{"mode": "anon", "tables": [
            {"table": "public.a", "verdict": "isolated", "note": null, "policies": []},
            {"table": "public.b", "verdict": "unverified", "note": null, "policies": [
                {"policy": "p", "verdict": "unverified", "reason": "too hard"}]}]}"#;
        let (said, proven) = pgrls_verify(text, "anon").expect("it reads");
        assert_eq!(proven, 1);
        let open = "public.b: `p`: too hard".to_owned();
        assert_eq!(said, [("verify-anon-unverified".to_owned(), open)]);
        assert!(pgrls_lint("{}").is_err());
    }
}
