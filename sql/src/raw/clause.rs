//! What PostgreSQL refuses in an expression because of the place where it stands.

use std::ops::ControlFlow;

use sqlparser::ast::{Expr as Ast, Function, FunctionArguments, Query, Visit, Visitor};

use super::names::folded;
use super::parse;

/// Where an expression stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clause {
    /// A column's default.
    Default,
    /// A CHECK.
    Check,
    /// The predicate of a partial index.
    IndexWhere,
    /// USING or WITH CHECK of a policy.
    Policy,
    /// What a generated column is computed from.
    Generated,
}

/// Aggregates, which need rows to gather. Source: https://www.postgresql.org/docs/15/functions-aggregate.html
const AGGREGATES: [&str; 22] = [
    "any_value",
    "array_agg",
    "avg",
    "bit_and",
    "bit_or",
    "bool_and",
    "bool_or",
    "count",
    "every",
    "json_agg",
    "json_object_agg",
    "jsonb_agg",
    "jsonb_object_agg",
    "max",
    "min",
    "mode",
    "percentile_cont",
    "percentile_disc",
    "stddev",
    "string_agg",
    "sum",
    "variance",
];

/// Functions that return rows. Source: https://www.postgresql.org/docs/15/functions-srf.html
const SETS: [&str; 10] = [
    "generate_series",
    "generate_subscripts",
    "json_array_elements",
    "json_each",
    "jsonb_array_elements",
    "jsonb_array_elements_text",
    "jsonb_each",
    "regexp_matches",
    "regexp_split_to_table",
    "unnest",
];

/// Functions whose result changes between two calls: `provolatile <> 'i'` in `pg_proc`, those that
/// somebody might reach for.
const CHANGING: [&str; 23] = [
    "clock_timestamp",
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_setting",
    "current_time",
    "current_timestamp",
    "current_user",
    "currval",
    "gen_random_uuid",
    "localtime",
    "localtimestamp",
    "nextval",
    "now",
    "random",
    "session_user",
    "statement_timestamp",
    "timeofday",
    "to_char",
    "transaction_timestamp",
    "user",
    "uuid_generate_v4",
];

/// Functions that PostgreSQL takes to depend on settings, each with what to write instead: no index and
/// no generated column can hold their results. Source: `provolatile = 's'` in `pg_proc`.
const DEPENDING: [(&str, &str); 15] = [
    ("array_to_string", PLAIN),
    ("concat", JOIN),
    ("concat_ws", JOIN),
    ("format", JOIN),
    ("json_build_object", PLAIN),
    ("jsonb_build_object", PLAIN),
    ("phraseto_tsquery", CONFIGURED),
    ("plainto_tsquery", CONFIGURED),
    ("row_to_json", PLAIN),
    ("to_date", PLAIN),
    ("to_json", PLAIN),
    ("to_jsonb", PLAIN),
    ("to_tsquery", CONFIGURED),
    ("to_tsvector", CONFIGURED),
    ("websearch_to_tsquery", CONFIGURED),
];
const JOIN: &str = "join with `||`";
const PLAIN: &str = "keep its result in a plain column";
const CONFIGURED: &str = "name the configuration first, as in `to_tsvector('english', ...)`";

/// What the expression cannot do in its place, each as what follows "cannot"; empty where all is well,
/// and where the text is no expression at all.
pub fn refused(sql: &str, clause: Clause) -> Vec<String> {
    let Ok(ast) = parse::expression(sql) else {
        return Vec::new();
    };
    let mut refused = Refused {
        clause,
        depth: 0,
        found: Vec::new(),
    };
    let _ = ast.visit(&mut refused);
    refused.found
}

struct Refused {
    clause: Clause,
    /// How many queries enclose what is being read.
    depth: usize,
    found: Vec<String>,
}

impl Refused {
    fn add(&mut self, message: String) {
        if !self.found.contains(&message) {
            self.found.push(message);
        }
    }

    fn function(&mut self, function: &Function) {
        let Some(name) = function.name.0.last().and_then(|part| part.as_ident()) else {
            return;
        };
        let name = folded(name);
        let name = name.as_str();
        let remedy = match self.clause {
            Clause::Policy => "write it as a subquery",
            Clause::Default => "write a value",
            Clause::Check | Clause::IndexWhere => "keep its result in a column of its own",
            Clause::Generated => "compute it from this row alone",
        };
        let depending = DEPENDING.iter().find(|(depending, _)| *depending == name);
        if function.over.is_some() {
            self.add(format!("call the window function `{name}`; {remedy}"));
        } else if AGGREGATES.contains(&name) {
            self.add(format!("call the aggregate `{name}`; {remedy}"));
        } else if SETS.contains(&name) {
            self.add(format!("call `{name}`, which returns rows; {remedy}"));
        } else if CHANGING.contains(&name) {
            match self.clause {
                Clause::Check | Clause::IndexWhere | Clause::Generated => self.add(format!(
                    "call `{name}`, whose result changes; only a policy or a default can"
                )),
                Clause::Default | Clause::Policy => {}
            }
        } else if let Some((_, instead)) = depending
            && matches!(self.clause, Clause::IndexWhere | Clause::Generated)
            // The configuration named, the text search functions depend on nothing else.
            && !(*instead == CONFIGURED && arguments(function) > 1)
        {
            self.add(format!(
                "call `{name}`, whose result depends on settings; {instead}"
            ));
        }
    }
}

fn arguments(function: &Function) -> usize {
    match &function.args {
        FunctionArguments::List(list) => list.args.len(),
        _ => 0,
    }
}

impl Visitor for Refused {
    type Break = ();

    fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        if self.depth == 0 && self.clause != Clause::Policy {
            self.add("hold a subquery; only a policy can".to_owned());
        }
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Ast) -> ControlFlow<()> {
        // Within a query every one of these has its place.
        if let (Ast::Function(function), 0) = (expr, self.depth) {
            self.function(function);
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_refuses_what_postgresql_refuses_there() {
        use Clause::{Check, Default, Generated, IndexWhere, Policy};
        let refuses = |sql, clause| !refused(sql, clause).is_empty();
        for clause in [Default, Check, IndexWhere, Generated] {
            assert!(refuses("(select 1) > 0", clause));
            assert!(refuses("exists (select 1 from m)", clause));
            assert!(refuses("a in (select m.a from m)", clause));
        }
        assert!(!refuses("(select max(m.a) from m) > 0", Policy));
        for clause in [Default, Check, IndexWhere, Policy, Generated] {
            assert!(refuses("count(*) > 0", clause));
            assert!(refuses("pg_catalog.sum(a) > 0", clause));
            assert!(refuses("row_number() over () = 1", clause));
            assert!(refuses("unnest(a) = 1", clause));
            assert!(!refuses("lower(a) = 'x' and length(b) > 0", clause));
        }
        for sql in ["a > now()", "a > CURRENT_TIMESTAMP", "a = current_user"] {
            assert!(refuses(sql, Check), "{sql}");
            assert!(refuses(sql, IndexWhere), "{sql}");
            assert!(refuses(sql, Generated), "{sql}");
            assert!(!refuses(sql, Policy), "{sql}");
            assert!(!refuses(sql, Default), "{sql}");
        }
        for sql in [
            "to_tsvector(a) is null",
            "to_tsvector('english', b) @@ to_tsquery(a)",
            "to_jsonb(a) is null",
            "concat(a, b) = ''",
            "format('%s', a) = ''",
        ] {
            assert!(refuses(sql, Generated), "{sql}");
            assert!(refuses(sql, IndexWhere), "{sql}");
            assert!(!refuses(sql, Check), "{sql}");
        }
        let configured = "to_tsvector('english', b) @@ to_tsquery('english', a)";
        assert!(!refuses(configured, Generated));
    }
}
