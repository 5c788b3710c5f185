//! A typed predicate into its one SQL text.
//!
//! A setting is read in a form that an index can serve, that an empty text never satisfies (a setting is
//! `''`, not NULL, on a connection that has carried a scope before), and that evaluates once a statement:
//!
//! - a text column equal to it: `col = (select current_setting('app.x', true)) and col > ''`, as `equality.rs` says;
//! - everything else: `nullif((select current_setting('app.x', true)), '')`, or what `setting.rs` writes
//!   for another type than text and for an enumeration.
//!
//! The first form is for a plain equality alone. Enclosed by a negation it would turn into "every row"
//! where the setting is empty; the second form is NULL there, and NULL denies either way.
//!
//! A membership finds nothing where nothing is set, which is false and not NULL. Enclosed by a negation it is NULL
//! there all the same: `col = any (…) or setting <> setting`. PostgreSQL asks that once a statement, before any row.

use proc_macro2::Span;
use tabellion_sql::ident::{quote, quote_literal};
use tabellion_sql::schema::{Expr, Type};

use super::{Lower, equality, setting};
use crate::ast::{Column, PathRef, Setting, TypeRef};
use crate::predicate::{Comparison, Literal, Node, SpanOf, Value};

/// How strongly a text binds, so that parentheses stand only where they must.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Binding {
    Or,
    And,
    Tight,
}

struct Text {
    sql: String,
    binding: Binding,
}

impl Text {
    fn new(sql: String, binding: Binding) -> Self {
        Text { sql, binding }
    }

    /// The text where at least `binding` is needed.
    fn within(self, binding: Binding) -> String {
        if self.binding < binding {
            format!("({})", self.sql)
        } else {
            self.sql
        }
    }
}

impl<'a> Lower<'a> {
    pub(super) fn typed(&mut self, node: &Node) -> Expr {
        self.read_tables.clear();
        self.lookups.clear();
        let sql = self.node(node, false).sql;
        let mut values = Vec::new();
        node.collect(&mut values);
        let columns = values.into_iter().filter_map(|value| match value {
            Value::Column(field) => Some(self.name(field)),
            _ => None,
        });
        let read = Expr::new(sql, columns.collect::<Vec<_>>());
        Expr {
            tables: std::mem::take(&mut self.read_tables),
            lookups: std::mem::take(&mut self.lookups),
            ..read
        }
    }

    fn node(&mut self, node: &Node, negated: bool) -> Text {
        match node {
            Node::And(a, b) => {
                let a = self.node(a, negated).within(Binding::And);
                let b = self.node(b, negated).within(Binding::And);
                Text::new(format!("{a} and {b}"), Binding::And)
            }
            Node::Or(a, b) => {
                let a = self.node(a, negated).sql;
                let b = self.node(b, negated).sql;
                Text::new(format!("{a} or {b}"), Binding::Or)
            }
            Node::Not(a) => {
                let a = self.node(a, true).sql;
                Text::new(format!("not ({a})"), Binding::Tight)
            }
            Node::Compare(Comparison::Eq, Value::Column(field), Value::Scope(setting), _)
            | Node::Compare(Comparison::Eq, Value::Scope(setting), Value::Column(field), _)
                if !negated && self.is_text(field) && self.setting_is_text(setting) =>
            {
                let setting = self.setting_text(setting);
                let column = self.table.column(field);
                let text = column.map(|it| equality::equal(self.table, it, None, &setting));
                Text::new(text.unwrap_or_default(), Binding::And)
            }
            Node::Compare(comparison, a, b, _) => {
                let sql = format!(
                    "{} {} {}",
                    self.value_beside(a, b),
                    comparison.as_sql(),
                    self.value_beside(b, a)
                );
                Text::new(sql, Binding::Tight)
            }
            Node::Null(a, not) => {
                let not = if *not { "not " } else { "" };
                Text::new(format!("{} is {not}null", self.value(a)), Binding::Tight)
            }
            // PostgreSQL would read the subquery of a setting as the rows to look in, along no index.
            Node::In(a, list) if list.len() == 1 => {
                let span = SpanOf(Span::call_site());
                let one = Node::Compare(Comparison::Eq, a.clone(), list[0].clone(), span);
                self.node(&one, negated)
            }
            // Of columns of several types each is compared by itself.
            Node::In(a @ Value::Literal(..), list) if list.iter().any(|it| self.is_real(it)) => {
                let each = list.iter().map(|value| {
                    let (a, value) = (self.value_beside(a, value), self.value(value));
                    format!("{value} = {a}")
                });
                Text::new(each.collect::<Vec<_>>().join(" or "), Binding::Or)
            }
            Node::In(a, list) => {
                let list = list.iter().map(|value| self.value_beside(value, a));
                let list: Vec<String> = list.collect();
                let sql = format!("{} in ({})", self.value(a), list.join(", "));
                Text::new(sql, Binding::Tight)
            }
            Node::Truth(a) => Text::new(self.value(a), Binding::Tight),
            Node::Exists(membership) => {
                let Some((mut sql, table)) = self.membership(membership, negated) else {
                    return Text::new(String::new(), Binding::Tight);
                };
                self.read_tables.insert(table.into());
                if !negated {
                    return Text::new(sql, Binding::Tight);
                }
                for value in membership.asked() {
                    let setting = self.value(value);
                    sql.push_str(&format!(" or {setting} <> {setting}"));
                }
                Text::new(sql, Binding::Or)
            }
        }
    }

    fn is_text(&self, field: &proc_macro2::Ident) -> bool {
        self.table.column(field).is_some_and(equality::is_text)
    }

    /// A value that is compared with another one.
    fn value_beside(&mut self, value: &Value, other: &Value) -> String {
        let column = match other {
            Value::Column(field) => self.table.column(field),
            _ => None,
        };
        self.value_for(value, column)
    }

    /// A value that is compared with a column.
    pub(super) fn value_for(&mut self, value: &Value, column: Option<&Column>) -> String {
        let mut sql = self.value(value);
        // Bare it would be another number than the column's: PostgreSQL compares both as `double precision`.
        if let Value::Literal(Literal::Int(_) | Literal::Float(_), _) = value
            && column.is_some_and(|column| column.ty.known() == Some(&Type::Float4))
        {
            sql.push_str("::real");
        }
        // Between a citext and a text PostgreSQL takes the operator of text, for which case counts.
        if let Value::Scope(_) = value
            && let Some(TypeRef::Stated(ty)) = column.map(|column| &column.ty)
            && ty.internal_name() == "citext"
        {
            sql.push_str(&format!("::{ty}"));
        }
        sql
    }

    fn is_real(&self, value: &Value) -> bool {
        let Value::Column(field) = value else {
            return false;
        };
        let column = self.table.column(field);
        column.is_some_and(|column| column.ty.known() == Some(&Type::Float4))
    }

    fn setting(&self, field: &proc_macro2::Ident) -> Option<&'a Setting> {
        let (_, scope) = self.scope?;
        scope
            .settings
            .iter()
            .find(|setting| setting.ident == *field)
    }

    pub(super) fn setting_text(&self, field: &proc_macro2::Ident) -> String {
        let platform = self.denote.platform();
        let setting = self.setting(field);
        setting.map_or_else(String::new, |setting| setting::text(setting, platform))
    }

    pub(super) fn setting_is_text(&self, field: &proc_macro2::Ident) -> bool {
        self.setting(field)
            .is_some_and(|setting| setting.ty == Type::Text)
    }

    pub(super) fn value(&mut self, value: &Value) -> String {
        match value {
            Value::Column(field) => quote(&self.name(field)).into_owned(),
            Value::Scope(field) => match self.setting(field) {
                Some(setting) => {
                    let texts = self.texts(setting);
                    setting::value(setting, self.denote.platform(), texts)
                }
                None => {
                    // rustc says which field is missing; the table counts as broken until then.
                    self.absent(format!("no setting `{field}` in the scope"));
                    "null".into()
                }
            },
            Value::Literal(literal, _) => match literal {
                Literal::Bool(value) => value.to_string(),
                Literal::Int(digits) | Literal::Float(digits) => digits.clone(),
                Literal::Str(text) => quote_literal(text),
            },
            Value::Variant(path) => self.variant(path),
            Value::Now(_) => "now()".into(),
            Value::RandomUuid(_) => "gen_random_uuid()".into(),
        }
    }

    /// The texts that a setting may have, where it is an enumeration.
    fn texts(&mut self, setting: &Setting) -> Option<Vec<&'a str>> {
        let (path, (scope, _)) = (setting.text_enum.as_ref()?, self.scope?);
        let Some(found) = self.denote.enum_of_scope(scope, path) else {
            self.missing("enum", &path.text(), "TextEnum");
            return None;
        };
        let texts = found.variants.iter().map(|(_, text)| text.value.as_str());
        Some(texts.collect())
    }

    fn variant(&mut self, path: &PathRef) -> String {
        match self.denote.variant(path) {
            Some(text) => text,
            None => {
                self.absent(format!("no variant `{}` of a `TextEnum`", path.text()));
                String::new()
            }
        }
    }
}
