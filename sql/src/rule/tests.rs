//! What every rule has in common, and the schema that their tests change.

use super::*;
use crate::schema::{Column, Command, Expr, Index, IndexColumn, Policy, Rls, Type};

/// The row's own tenant, as the build writes it.
pub(super) const OWN: &str = "shop = (select current_setting('app.shop', true)) and shop > ''";

pub(super) type Found = (Place, String);

pub(super) fn named(name: &str) -> QualifiedName {
    QualifiedName::new("public", name)
}

/// A table of one tenant's rows, with all that it needs.
pub(super) fn tenant_table<'a>(schema: &'a mut Schema, name: &str) -> &'a mut Table {
    let mut table = Table::new(format!("shop::{name}"));
    let body = Column {
        nullable: true,
        ..Column::new("body", Type::Text)
    };
    table.columns = vec![
        Column::new("id", Type::Int8),
        Column::new("shop", Type::Text),
        body,
    ];
    let index = Index::new([IndexColumn::new("shop")]);
    table.indexes.insert(format!("{name}_shop_idx"), index);
    policy(&mut table, "own", None, OWN);
    schema.tables.entry(named(name)).or_insert(table)
}

/// Adds a policy with that condition wherever the command takes one.
pub(super) fn policy(table: &mut Table, name: &str, command: Option<Command>, sql: &str) {
    let expr = || Some(Expr::new(sql, ["shop"]));
    let policy = Policy {
        command,
        restrictive: false,
        roles: ["app".to_owned()].into(),
        using: (command != Some(Command::Insert)).then(expr).flatten(),
        check: (!matches!(command, Some(Command::Select | Command::Delete)))
            .then(expr)
            .flatten(),
    };
    if let Rls::Enabled(policies) = &mut table.rls {
        policies.insert(name.into(), policy);
    }
}

/// What a rule finds in a schema.
pub(super) fn found(code: &str, make: impl FnOnce(&mut Schema)) -> Vec<Found> {
    let mut schema = Schema::default();
    make(&mut schema);
    let findings = check(&schema).into_iter();
    let of_rule = findings.filter(|finding| finding.code == code);
    of_rule
        .map(|finding| (finding.place, finding.message))
        .collect()
}

#[test]
fn a_tenants_table_with_all_that_it_needs() {
    let mut schema = Schema::default();
    tenant_table(&mut schema, "note");
    assert_eq!(check(&schema), []);
}

#[test]
fn a_rule_is_a_file_and_its_code() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/rule");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|name| Some(name.strip_suffix(".rs")?.replace('_', "-")))
        .filter(|name| !matches!(name.as_str(), "mod" | "said" | "tests"))
        .collect();
    files.sort();
    assert_eq!(files, RULES.map(|rule| rule.page.code));
}

#[test]
fn a_page_says_what_why_and_what_to_do() {
    for page in pages() {
        let code = page.code;
        let headings: &[&str] = match page.level {
            Level::Lint => &["Why:\n", "To mend it:\n"],
            _ => &[
                "What happens:\n",
                "Why:\n",
                "To mend it:\n",
                "To allow it:\n",
            ],
        };
        for heading in headings {
            assert!(page.text.contains(heading), "{code} lacks {heading}");
        }
        assert!(
            !page.summary.ends_with('.') && page.summary.len() < 100,
            "{code}"
        );
        assert!(
            page.text.lines().all(|line| line.chars().count() <= 120),
            "{code}"
        );
        assert_eq!(super::page(code), Some(page));
    }
}

#[test]
fn the_nearest_code() {
    assert_eq!(nearest("leekproof_index"), Some("leakproof-index"));
    assert_eq!(nearest("LEAKPROOF-INDEX"), Some("leakproof-index"));
    assert_eq!(nearest("something else"), None);
}
