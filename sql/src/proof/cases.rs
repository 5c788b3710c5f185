//! What the scopes may say of who asks: nothing, an empty text, one tenant, another one, what is no value, and claims
//! that are no text.

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
    /// Nothing of this claim; of another setting the empty text, since what was set is never unset in a session.
    Unset,
    /// A claim that is no text, but has one.
    Json(&'static str),
}

/// Claims that are no text.
const NO_TEXTS: [&str; 3] = ["true", "[1]", NO_TEXT];

/// The one of them that rows hold too.
pub(super) const NO_TEXT: &str = "{}";

/// All cases for a schema; those that set nothing come first.
pub(super) fn cases(schema: &Schema, scopes: &[ProofScope], is_short: bool) -> Vec<Case> {
    let mut all: Vec<&ProofSetting> = scopes.iter().flat_map(|scope| &scope.settings).collect();
    all.sort();
    all.dedup();
    let settings = Settings {
        platform: schema.platform,
        all: &all,
        is_short,
    };
    let case = |label: String, tenant, said: &dyn Fn(&ProofSetting) -> Said| Case {
        label,
        tenant,
        settings: settings.saying(said),
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
    // What is no value of its type opens no more than an empty text does, nor a claim more than none.
    let base = match all.iter().all(|one| settings.is_claim(one)) {
        true => "scope unset",
        false => "scope empty",
    };
    let mut is_none = |label: String, of: &dyn Fn(&ProofSetting) -> bool, what| {
        let tables = reading(schema, |read| all.iter().any(|one| of(one) && read(one)));
        if !tables.is_empty() {
            let said = |setting: &ProofSetting| match of(setting) {
                true => what,
                false => Said::Unset,
            };
            cases.push(Case {
                tables: Some(tables),
                no_more_than: Some(base.into()),
                ..case(label, Some("nobody"), &said)
            });
        }
    };
    let has_nonsense = |one: &ProofSetting| settings.has_nonsense(one);
    is_none(
        "scope of no such values".into(),
        &has_nonsense,
        Said::Nonsense,
    );
    for json in NO_TEXTS {
        let is_it = |one: &ProofSetting| settings.is_claim(one) && !settings.is_user(one);
        is_none(
            format!("scope whose claims are {json}"),
            &is_it,
            Said::Json(json),
        );
    }
    // Where a table reads several settings, they may disagree.
    for one in &all {
        let tables = reading(schema, |read| {
            read(one) && all.iter().filter(|setting| read(setting)).count() > 1
        });
        if tables.is_empty() {
            continue;
        }
        let mut said = vec![("of tenant B", Said::B)];
        if !settings.is_user(one) {
            said.push(("empty", Said::Empty));
        }
        if settings.is_claim(one) {
            said.push(("unset", Said::Unset));
        }
        if settings.has_nonsense(one) {
            said.push(("without sense", Said::Nonsense));
        }
        let base = match settings.is_claim(one) {
            true => "unset",
            false => "empty",
        };
        for (words, what) in said {
            let label = |words| format!("scope of tenant A, {} {words}", one.name);
            let said = |setting: &ProofSetting| match setting == *one {
                true => what,
                false => Said::A,
            };
            cases.push(Case {
                tables: Some(tables.clone()),
                no_more_than: (what == Said::Nonsense).then(|| label(base)),
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

/// The settings of all scopes, and how the server gets them.
struct Settings<'a> {
    platform: Platform,
    all: &'a [&'a ProofSetting],
    is_short: bool,
}

impl Settings<'_> {
    fn saying(&self, said: &dyn Fn(&ProofSetting) -> Said) -> BTreeMap<String, String> {
        let mut settings = BTreeMap::new();
        let mut claims = Map::new();
        for setting in self.all {
            match &setting.claim {
                Some(path) if self.is_claim(setting) => {
                    if let Some(claim) = self.claim(setting, said(setting)) {
                        place(&mut claims, path, claim);
                    }
                }
                _ => {
                    let text = self.text(setting, said(setting));
                    settings.insert(setting.name.clone(), text);
                }
            }
        }
        if self.all.iter().any(|setting| self.is_claim(setting)) {
            let text = match claims.is_empty() {
                true => String::new(),
                false => Value::Object(claims).to_string(),
            };
            settings.insert("request.jwt.claims".to_owned(), text);
        }
        settings
    }

    /// Whether the platform gives it, in its claims.
    fn is_claim(&self, setting: &ProofSetting) -> bool {
        self.platform == Platform::Supabase && setting.claim.is_some()
    }

    /// Whether `auth.uid()` reads it, which is the platform's, and raises an error where it is no UUID.
    fn is_user(&self, setting: &ProofSetting) -> bool {
        let same = |one: &&ProofSetting| one.claim == setting.claim && one.ty == Type::Uuid;
        let is_sub = |path: &Vec<String>| path.len() == 1 && path[0] == "sub";
        self.is_claim(setting)
            && setting.claim.as_ref().is_some_and(is_sub)
            && self.all.iter().any(same)
    }

    /// Whether some text is no value of it: a text of any kind is one where a text is asked for, and opens what `<>`
    /// says.
    fn has_nonsense(&self, setting: &ProofSetting) -> bool {
        let is_any_text = setting.ty == Type::Text && setting.texts.is_empty();
        !is_any_text && !self.is_user(setting)
    }

    fn claim(&self, setting: &ProofSetting, said: Said) -> Option<Value> {
        let is_value = matches!(said, Said::A | Said::B);
        if self.is_user(setting) && !(is_value && setting.ty == Type::Uuid) {
            return None;
        }
        match said {
            Said::Unset => None,
            Said::Json("true") if setting.ty == Type::Bool => None,
            Said::Json(json) => serde_json::from_str(json).ok(),
            _ => Some(Value::String(self.text(setting, said))),
        }
    }

    fn text(&self, setting: &ProofSetting, said: Said) -> String {
        let [a, b] = match setting.texts.as_slice() {
            [a, b, ..] => [a.clone(), b.clone()],
            [one] => [one.clone(), one.clone()],
            [] => values::sides(&setting.ty, self.is_short)
                .unwrap_or_else(|| ["a".into(), "b".into()]),
        };
        match said {
            Said::A => a,
            Said::B => b,
            Said::Empty | Said::Unset | Said::Json(_) => String::new(),
            Said::Nonsense => "no such value".to_owned(),
        }
    }
}

fn place(claims: &mut Map<String, Value>, path: &[String], value: Value) {
    let Some((first, rest)) = path.split_first() else {
        return;
    };
    if rest.is_empty() {
        claims.insert(first.clone(), value);
        return;
    }
    let inner = claims
        .entry(first.clone())
        .or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(inner) = inner {
        place(inner, rest, value);
    }
}
