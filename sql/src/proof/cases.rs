//! What the scopes may say of who asks: nothing, an empty text, one tenant, another one, what is no value.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::out::Values;
use super::{ProofScope, ProofSetting, values};
use crate::ident::quote_literal;
use crate::schema::{Platform, Schema, Type};

/// What every setting says.
pub(super) struct Case {
    pub(super) label: String,
    /// Whose scope it is; nothing where the settings do not agree.
    tenant: Option<&'static str>,
    settings: BTreeMap<String, String>,
    /// The tables that it is for, where not for all.
    tables: Option<Vec<String>>,
    /// The earlier case that it may open no more than.
    no_more_than: Option<String>,
}

impl Case {
    pub(super) fn write(&self, values: &mut Values<'_>) {
        values.text(&self.label);
        values.text_or_null(self.tenant);
        values.text(&serde_json::to_string(&self.settings).unwrap_or_default());
        match &self.tables {
            Some(tables) => values.array(tables.iter().map(String::as_str)),
            None => values.sql("null"),
        }
        values.text_or_null(self.no_more_than.as_deref());
    }
}

/// What one setting says.
#[derive(Clone, Copy, PartialEq)]
enum Said {
    A,
    B,
    Empty,
    Nonsense,
}

/// All cases for a schema; those that set nothing come first.
pub(super) fn cases(schema: &Schema, scopes: &[ProofScope], is_short: bool) -> Vec<Case> {
    let mut all: Vec<&ProofSetting> = scopes.iter().flat_map(|scope| &scope.settings).collect();
    all.sort();
    all.dedup();
    let case = |label: String, tenant, said: &dyn Fn(&ProofSetting) -> Said| Case {
        label,
        tenant,
        settings: settings(schema.platform, &all, is_short, said),
        tables: None,
        no_more_than: None,
    };
    let mut cases = vec![Case {
        label: "scope unset".to_owned(),
        tenant: Some("nobody"),
        settings: BTreeMap::new(),
        tables: None,
        no_more_than: None,
    }];
    if all.is_empty() {
        return cases;
    }
    cases.extend([
        case("scope empty".into(), Some("nobody"), &|_| Said::Empty),
        case("scope of tenant A".into(), Some("A"), &|_| Said::A),
        case("scope of tenant B".into(), Some("B"), &|_| Said::B),
        case("scope without sense".into(), Some("nobody"), &|_| {
            Said::Nonsense
        }),
    ]);
    // A text of any kind is a value where a text is asked for, and opens what `<>` says. Of another type, or an
    // enumeration, it is none: nothing may be more open than to an empty one.
    let has_no_nonsense =
        |setting: &ProofSetting| setting.ty == Type::Text && setting.texts.is_empty();
    let typed: Vec<&ProofSetting> = all
        .iter()
        .copied()
        .filter(|one| !has_no_nonsense(one))
        .collect();
    let tables = reading(schema, |read| typed.iter().any(|one| read(one)));
    if !tables.is_empty() {
        let said = |setting: &ProofSetting| match has_no_nonsense(setting) {
            true => Said::Empty,
            false => Said::Nonsense,
        };
        cases.push(Case {
            tables: Some(tables),
            no_more_than: Some("scope empty".into()),
            ..case("scope of no such values".into(), Some("nobody"), &said)
        });
    }
    // Where a table reads several settings, they may disagree.
    for one in &all {
        let tables = reading(schema, |read| {
            read(one) && all.iter().filter(|setting| read(setting)).count() > 1
        });
        if tables.is_empty() {
            continue;
        }
        let all = [
            ("of tenant B", Said::B),
            ("empty", Said::Empty),
            ("without sense", Said::Nonsense),
        ];
        for (words, what) in all {
            let is_nonsense = what == Said::Nonsense;
            if is_nonsense && has_no_nonsense(one) {
                continue;
            }
            let label = |words| format!("scope of tenant A, {} {words}", one.name);
            let said = |setting: &ProofSetting| match setting == *one {
                true => what,
                false => Said::A,
            };
            cases.push(Case {
                tables: Some(tables.clone()),
                no_more_than: is_nonsense.then(|| label("empty")),
                ..case(label(words), None, &said)
            });
        }
    }
    cases
}

/// The tables of whose policies something holds, by which settings they read.
fn reading(schema: &Schema, holds: impl Fn(&dyn Fn(&ProofSetting) -> bool) -> bool) -> Vec<String> {
    let tables = schema.tables.iter().filter(|(_, table)| {
        let policies = table.rls.policies().values();
        let said: Vec<&str> = policies
            .flat_map(|policy| policy.using.iter().chain(&policy.check))
            .map(|expr| expr.sql.as_str())
            .collect();
        holds(&|setting| said.iter().any(|sql| reads(sql, setting)))
    });
    tables.map(|(name, _)| name.to_string()).collect()
}

/// Whether an expression reads a setting.
pub(super) fn reads(sql: &str, setting: &ProofSetting) -> bool {
    let is_claim = |claim: &Vec<String>| {
        let last = claim.last().map(|word| quote_literal(word));
        let is_user = claim.len() == 1 && claim[0] == "sub";
        sql.contains("auth.jwt()") && last.is_some_and(|word| sql.contains(&word))
            || is_user && sql.contains("auth.uid()")
    };
    sql.contains(&quote_literal(&setting.name)) || setting.claim.as_ref().is_some_and(is_claim)
}

/// The settings as the server gets them.
fn settings(
    platform: Platform,
    all: &[&ProofSetting],
    is_short: bool,
    said: &dyn Fn(&ProofSetting) -> Said,
) -> BTreeMap<String, String> {
    let mut settings = BTreeMap::new();
    let mut claims = Map::new();
    for setting in all {
        let value = value(setting, is_short, said(setting));
        match &setting.claim {
            Some(path) if platform == Platform::Supabase => {
                if !value.is_empty() {
                    place(&mut claims, path, value);
                }
            }
            _ => {
                settings.insert(setting.name.clone(), value);
            }
        }
    }
    if platform == Platform::Supabase && all.iter().any(|setting| setting.claim.is_some()) {
        let text = match claims.is_empty() {
            true => String::new(),
            false => Value::Object(claims).to_string(),
        };
        settings.insert("request.jwt.claims".to_owned(), text);
    }
    settings
}

fn value(setting: &ProofSetting, is_short: bool, said: Said) -> String {
    let [a, b] = match setting.texts.as_slice() {
        [a, b, ..] => [a.clone(), b.clone()],
        [one] => [one.clone(), one.clone()],
        [] => values::sides(&setting.ty, is_short).unwrap_or_else(|| ["a".into(), "b".into()]),
    };
    match said {
        Said::A => a,
        Said::B => b,
        Said::Empty => String::new(),
        Said::Nonsense => "no such value".to_owned(),
    }
}

fn place(claims: &mut Map<String, Value>, path: &[String], value: String) {
    let Some((first, rest)) = path.split_first() else {
        return;
    };
    if rest.is_empty() {
        claims.insert(first.clone(), Value::String(value));
        return;
    }
    let inner = claims
        .entry(first.clone())
        .or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(inner) = inner {
        place(inner, rest, value);
    }
}
