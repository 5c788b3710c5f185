//! Of each kind of value what PostgreSQL is asked about it.

use proptest::prelude::*;
use tabellion_sql::schema::Type;

use super::{SETTING, predicate};

pub(super) const ALL: [Family; 9] = [
    FLOATS, CHARS, CASTS, MEMBERS, ORDERS, ROLES, BYTES, LENGTHS, ALIKE,
];

/// Values and predicates about which PostgreSQL thinks otherwise than their spelling.
pub(super) struct Family {
    pub(super) columns: &'static [(&'static str, Type)],
    /// The columns of `public.members`: where it has any, what is compared, if anything, are its rows, of which a
    /// membership asks.
    pub(super) members: &'static [(&'static str, Type)],
    pub(super) universe: &'static str,
    pub(super) scopes: &'static [&'static str],
    /// What stands to the left, and the literals to the right of it, with which it is compared in any way.
    compared: &'static [(&'static str, &'static [&'static str])],
    /// Whatever else there is.
    others: &'static [&'static str],
}

const FLOATS: Family = Family {
    columns: &[("f", Type::Float8), ("r", Type::Float4)],
    members: &[],
    universe: "create temp table universe as select f, r from
      unnest(array[null, -0.5, 0, 0.1, 0.2, 5, 6, 9007199254740992, 9007199254740994, 'NaN']::float8[]) f,
      unnest(array[null, -0.5, 0, 0.1, 0.2, 5, 6, 16777216, 16777218, 'NaN']::real[]) r",
    scopes: &[""],
    compared: &[
        (
            "f",
            &[
                "-0.5",
                "0.1",
                "0.10000000000000001",
                "0.1::real",
                "5",
                "5.0",
                "9007199254740992.0",
                "9007199254740993.0",
            ],
        ),
        (
            "r",
            &[
                "0.1",
                "0.1::real",
                "0.10000000000000001",
                "0.2::real",
                "-0.5::real",
                "5.0",
                "16777216",
                "16777217.0",
                "16777217::real",
            ],
        ),
        ("(r + 0.0::real)", &["0.1", "5", "16777216", "16777217"]),
        ("(r)", &["0.1", "0.1::real", "5", "16777217.0"]),
        ("coalesce(r, '1')", &["0.1", "0.1::real", "5"]),
        ("nullif(r, '6')", &["0.1", "5"]),
        ("(select r)", &["0.1", "5"]),
        ("(f * 1)::real", &["0.1", "0.1::real", "16777217.0", "5"]),
    ],
    others: &["f = r", "f is null", "r is not null", "abs(f) is null"],
};

const CHARS: Family = Family {
    columns: &[
        ("c", Type::Char(2)),
        ("e", Type::Char(2)),
        ("u", Type::Text),
    ],
    members: &[],
    universe: "create temp table universe as select c, e, u from
      unnest(array[null, '', 'a', 'b', 'ab']::char(2)[]) c,
      unnest(array[null, '', 'a', 'b']::char(2)[]) e, unnest(array['', ' ', 'a', 'a ', 'b']) u",
    scopes: &[
        "",
        "set app.x = ''",
        "set app.x = ' '",
        "set app.x = 'a'",
        "set app.x = 'a '",
        "set app.x = 'b'",
    ],
    compared: &[
        ("c", &["''", "' '", "'  '", "'a'", "'a '", "'b'"]),
        ("u", &["''", "' '", "'a'", "'a '"]),
        ("u::char(2)", &["''", "' '", "'a'", "'a '"]),
        ("rpad(u, 2)::char(2)", &["''", "'a '"]),
    ],
    others: &[
        "c = (select current_setting('app.x', true)) and c > ''",
        "c = nullif((select current_setting('app.x', true)), '')",
        "u = (select current_setting('app.x', true)) and u > ''",
        "(select current_setting('app.x', true)) = 'a '",
        "(select current_setting('app.x', true)) = 'a'",
        "c = e",
        "c = u::char(2)",
        "u = c::text",
        "c is null",
    ],
};

const CASTS: Family = Family {
    columns: &[("t", Type::Text), ("n", Type::Int4), ("m", Type::Int8)],
    members: &[],
    universe: "create temp table universe as select t, n, m from
      unnest(array[null, '1', '01', '2', '10']) t, unnest(array[null, 0, 1, 2]) n,
      unnest(array[1, 2, 9007199254740992, 9007199254740993]) m",
    scopes: &["", "set app.x = '1'", "set app.x = '01'", "set app.x = 'a'"],
    compared: &[
        ("cast(t as integer)", &["'1'", "'01'", "1", "2", "'2'"]),
        ("length(t)", &["'1'", "'01'", "1", "2"]),
        ("t::integer", &["'1'", "'01'", "1", "1.0"]),
        ("t", &["'1'", "'01'", "''"]),
        ("n", &["'1'", "1", "1.0", "'01'", "0"]),
        ("m::float8", &["9007199254740992", "9007199254740993", "1"]),
        ("m", &["9007199254740992", "9007199254740993", "1"]),
    ],
    others: &[
        "n = length(t)",
        "n = t::integer",
        "n = m",
        "m = m::float8",
        "m - 1 = m::float8",
        "(n, t) is null",
        "(n, t) is not null",
        "(n, t) = (1, '1')",
        "n::text = t",
        "t = (select current_setting('app.x', true))",
        "(select current_setting('app.x', true)) = '01'",
    ],
};

const MEMBERS: Family = Family {
    columns: &[("t", Type::Text), ("b", Type::Bool), ("n", Type::Int8)],
    members: &[
        ("who", Type::Text),
        ("level", Type::Int4),
        ("active", Type::Bool),
    ],
    universe: "create temp table members (who text, level int, active bool);
      create temp table universe as select t, b, n from unnest(array[null, 'a', 'b', 'c']) t,
        unnest(array[null, true, false]) b, unnest(array[null, 0, 1, 2]::bigint[]) n",
    scopes: &[
        "truncate members",
        "insert into members values ('a', 1, true)",
        "insert into members values ('b', 1, false)",
        "insert into members values ('a', 2, false), ('c', 1, null)",
        "delete from members where active; insert into members values (null, 1, true)",
        "delete from members where who is null; insert into members values ('b', 2, true)",
    ],
    compared: &[],
    others: &[
        "t = any (array(select m.who from members m where m.level = 1))",
        "t = any (array(select m.who from members m where m.level = 1 and m.active))",
        "t = any (array(select m.who from members m where m.active and m.level = 1 and m.who <> ''))",
        "t = any (array(select n.who from members as n where n.active and n.level = 1))",
        "t = any (array(select m.who from members m where m.level >= 1))",
        "t = any (array(select m.who from members m where m.level > 1))",
        "t = any (array(select m.who from members m where m.who in ('a', 'b')))",
        "t = any (array(select m.who from members m where m.who = 'a'))",
        "t = any (array(select m.who from members m where m.level = 1 or m.active))",
        "t = any (array(select m.who from members m where m.level = 1 and m.active = false))",
        "t = any (array(select m.who from members m join members o on o.who = m.who where m.level = 1))",
        "t = any (array(select m.who from members m left join members o on o.active where m.level = 1))",
        "t = any (array(select m.who from members m left join members o on o.active where m.level = 1 and o.who is null))",
        "n = any (array(select m.count from members m where m.level = 1))",
        "n = any (array(select m.count from members m where m.level = 1 and m.active))",
        "n = any (array(select m.level from members m where m.active))",
        "0 = any (array(select count(*) from members m where m.level = 1))",
        "0 = any (array(select count(*) from members m where m.level = 1 and m.active))",
        "'b' = any (array(select max(m.who) from members m where m.level = 1))",
        "'b' = any (array(select max(m.who) from members m where m.level = 1 and m.active))",
        "t = any (array(select m.who from members m except select o.who from members o where o.level = 1))",
        "t = any (array(select m.who from members m except select o.who from members o where o.level = 1 and o.active))",
        "t = any (array(select m.who from members m where m.level = 1 limit 1))",
        "t = any (array(select m.who from members m where m.level = 1 and m.active limit 1))",
        "t = any (array(select m.who from members m where m.level = 1 and m.active order by m.level fetch first row only))",
        "t = any (array(select m.who from members m where m.level = 1 group by m.who having count(*) = 1))",
        "t = any (array(select m.who from members m where m.level = 1 and m.active group by m.who having count(*) = 1))",
        "b",
        "t = 'a'",
    ],
};

const ORDERS: Family = Family {
    columns: &[
        ("x", Type::Int4),
        ("y", Type::Int4),
        ("v", Type::Text),
        ("w", Type::Text),
        ("day", Type::Date),
    ],
    members: &[],
    universe: "create collation ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
      create temp table bans (uid text);
      create temp table universe as select x, y, v, w, day from
        unnest(array[null, 1, 3, 5]) x, unnest(array[null, 1, 2, 3]) y, unnest(array['a', 'A', 'b', 'm']) v,
        unnest(array[null, 'a', 'B', 'm']) w,
        unnest(array[null, '2023-12-31', '2024-01-01', '2024-01-31', '2024-02-01', '2024-02-02']::date[]) day",
    scopes: &[
        "truncate bans",
        "insert into bans values ('a')",
        "insert into bans values ('m')",
    ],
    compared: &[
        ("(x, y)", &["(3, 2)"]),
        ("(x, 2)", &["(3, y)"]),
        ("v", &["w", "'a' collate ci"]),
        ("w", &["'a' collate ci", "'a'", "'b'"]),
        ("(v collate ci)::text", &["'a'", "'A'", "w"]),
        ("lower(w)", &["'a'", "'b'", "v"]),
        (
            "day",
            &["'2024-01-01'", "'2024-1-1'", "'2024-02-01'", "current_date"],
        ),
    ],
    others: &[
        "x = y",
        "(with q as (select b.uid from bans b) select count(*) = 0 from q where q.uid = 'a')",
        "(with q as (select b.uid from bans b) select count(*) = 0 from q where q.uid = 'a' and q.uid <> v)",
        "timeofday() <> timeofday()",
        "false",
    ],
};

/// Members whose columns the schema tells, and whose roles and levels a policy asks for.
const ROLES: Family = Family {
    columns: &[("t", Type::Text), ("b", Type::Bool)],
    members: &[
        ("who", Type::Text),
        ("role", Type::Text),
        ("level", Type::Int4),
        ("rank", Type::Int4),
        ("code", Type::Text),
        ("grade", Type::Char(2)),
        ("share", Type::Float4),
    ],
    universe: "create table members (who text, role text, level int, rank int not null,
        code text collate \"C\" not null, grade char(2), share real);
      create temp table universe as select t, b from unnest(array[null, 'a', 'b']) t, unnest(array[null, true]) b",
    scopes: &[
        "truncate members",
        "insert into members values ('a', 'admin', 1, 1, 'a', 'a', 0.1)",
        "truncate members; insert into members values ('a', 'guest', 2, 3, 'B', 'b', 0.2)",
        "truncate members; insert into members values ('b', null, null, 2, 'b', null, null)",
        "truncate members; insert into members values ('a', 'owner', 3, 2, 'ä', '', 'NaN')",
        "truncate members; insert into members values ('a', '', 2, 2, '', 'a', 0)",
        "insert into members values (null, 'guest', 0, 1, 'c', 'a', 0.1)",
        "set app.x = 'admin'; truncate members; insert into members values ('a', 'admin', 2, 4, 'Z', 'c', 5)",
        "truncate members; insert into members values ('a', 'a', 3, 3, 'aa', 'a', 0.1), (null, 'guest', 1, 3, 'a', 'b', 1)",
        "set app.x = 'guest'; truncate members; insert into members values ('a', 'guest', null, 0, 'A', 'ab', -1)",
    ],
    compared: &[
        ("m.role", &["'admin'", "'guest'", "''", "m.who", SETTING]),
        ("m.level", &["1", "2", "2.5", "m.rank", "'2'"]),
        ("m.rank", &["1", "2", "'2'", "-1"]),
        ("m.code", &["'a'", "'B'", "'aa'", "''", "m.role"]),
        ("m.grade", &["'a'", "'a '", "''"]),
        ("m.share", &["0.1", "0.1::real", "5"]),
        ("lower(m.role)", &["'admin'", "'guest'"]),
        ("b", &["true"]),
    ],
    others: &["b", "t = 'a'", "t = any (array(select m.who from public.members m))"],
};

/// Texts that are compared by their bytes.
const BYTES: Family = Family {
    columns: &[
        ("code", Type::Text),
        ("mark", Type::Text),
        ("t", Type::Text),
    ],
    members: &[],
    universe:
        "create temp table universe as select c collate \"C\" as code, k collate \"C\" as mark, t
      from unnest(array['', 'A', 'B', 'Z', 'a', 'aa', 'ab', 'b', 'ä', 'z']) c,
        unnest(array[null, '', 'A', 'a', 'b', 'z']) k, unnest(array[null, 'A', 'a', 'b']) t",
    scopes: &["", "set app.x = 'a'", "set app.x = 'A'"],
    compared: &[
        (
            "code",
            &[
                "'a'",
                "'B'",
                "'b'",
                "''",
                "'ä'",
                "mark",
                "'a' collate \"en-x-icu\"",
            ],
        ),
        ("mark", &["'a'", "'B'", "''", SETTING]),
        ("code::text", &["'a'", "'B'"]),
        ("code collate \"en-x-icu\"", &["'a'", "'B'", "mark"]),
        ("coalesce(mark, 'a')", &["'a'", "'B'"]),
        ("nullif(mark, 'a')", &["'b'", "'B'"]),
        ("lower(mark)", &["'a'", "'b'"]),
        ("t", &["'a'", "'B'", "'b'"]),
        ("t collate \"C\"", &["'a'", "'B'", "mark"]),
    ],
    others: &["code is null", "mark is not null", "t = code", "mark > ''"],
};

/// What `length` makes of texts, and of what are none.
const LENGTHS: Family = Family {
    columns: &[
        ("t", Type::Text),
        ("c", Type::Char(3)),
        ("v", Type::Bytea),
        ("p", Type::Text),
    ],
    members: &[],
    universe: "create temp table universe as select t, c, v, p from unnest(array[null, '', 'a', 'ä', 'ab']) t,
        unnest(array[null, '', 'a', 'ab ']::char(3)[]) c, unnest(array[null, '', 'ab']::bytea[]) v,
        unnest(array[null, '[(0,0),(1,0)]', '[(0,0),(1.5,0)]', '[(0,0),(2,0)]']) p",
    scopes: &[""],
    compared: &[
        ("length(t)", &["0", "1", "2", "1.5"]),
        ("char_length(c)", &["0", "1", "2"]),
        ("octet_length(t)", &["1", "2"]),
        ("length(v)", &["0", "1", "2"]),
        ("length(p::path)", &["1", "2", "1.5"]),
        ("length(p::lseg)", &["1", "2"]),
    ],
    others: &["length(t) = char_length(c)", "length(v) < length(t)"],
};

/// Texts of which several are one, the empty one too.
const ALIKE: Family = Family {
    columns: &[("k", Type::Text), ("t", Type::Text)],
    members: &[],
    universe:
        "create collation ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
      create temp table universe as select k collate ci as k, t from
        unnest(array[null, '', U&'\\00AD', 'a', 'A', 'b']) k, unnest(array[null, '', 'a', 'A']) t",
    scopes: &[
        "",
        "set app.x = ''",
        "select set_config('app.x', U&'\\00AD', false)",
        "set app.x = 'A'",
    ],
    compared: &[
        ("k", &["''", "'a'", "'A'", "t"]),
        ("k::text", &["''", "'a'", SETTING, UNLESS_EMPTY]),
        ("lower(k)", &["''", "'a'", SETTING, UNLESS_EMPTY]),
        ("t", &["''", "'a'", "'A'", SETTING]),
    ],
    others: &["k > ''", "k is null", "k::text > ''"],
};

const UNLESS_EMPTY: &str = "nullif((select current_setting('app.x', true)), '')";

impl Family {
    pub(super) fn predicate(&self) -> BoxedStrategy<String> {
        let others = || self.others.iter().map(ToString::to_string);
        if self.members.is_empty() || self.compared.is_empty() {
            let atoms = others().chain(self.comparisons()).collect::<Vec<_>>();
            return predicate(prop::sample::select(atoms)).boxed();
        }
        let comparison = || prop::sample::select(self.comparisons());
        let enclosed = predicate(comparison()).prop_map(|asked| format!("({asked})"));
        let asked = prop_oneof![enclosed, comparison()];
        let own = prop_oneof![Just(""), Just("m.level > 0 and "), Just("m.who <> '' and ")];
        let membership = (own, asked).prop_map(|(own, asked)| {
            format!("t = any (array(select m.who from public.members m where {own}{asked}))")
        });
        let others = prop::sample::select(others().collect::<Vec<_>>());
        predicate(prop_oneof![3 => membership, 1 => others]).boxed()
    }

    fn comparisons(&self) -> Vec<String> {
        let mut atoms = Vec::new();
        for (left, literals) in self.compared {
            // Behind the first one nothing but an operator may follow.
            let ends = literals
                .windows(2)
                .filter(|ends| !ends[0].contains("collate"));
            atoms.extend(ends.map(|ends| format!("{left} between {} and {}", ends[0], ends[1])));
            for one in *literals {
                let compare = |operator: &&str| format!("{left} {operator} {one}");
                atoms.extend(["=", "<>", "<", ">="].iter().map(compare));
                for is_in in ["in", "not in"] {
                    atoms.push(format!("{left} {is_in} ({one})"));
                    let list = |other: &&str| format!("{left} {is_in} ({one}, {other})");
                    atoms.extend(literals.iter().map(list));
                }
            }
        }
        atoms
    }
}
