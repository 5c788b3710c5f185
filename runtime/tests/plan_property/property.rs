//! The property: from one schema to another, back, and there again, with rows in the tables.

use std::collections::BTreeMap;

use tabellion_sql::plan::{Migration, Plan, Script, Settings, migrations, plan};
use tabellion_sql::schema::{Platform, QualifiedName, Renames, Schema, Table};
use tokio_postgres::Client;

use crate::case::{Case, Seeds};
use crate::database::{Place, State, said};
use crate::hazards::{self, Access};
use crate::rows::Contents;
use crate::{empty, rows};

/// Two databases: one goes there and back, the other is made anew.
pub(crate) struct World {
    pub(crate) lived: Place,
    pub(crate) fresh: Place,
}

/// Runs one case. `Ok(false)` where the change is one that PostgreSQL cannot make, as a question said.
pub(crate) async fn check(world: &World, seeds: &Seeds) -> Result<bool, String> {
    let case = match Case::new(seeds) {
        Ok(case) => case,
        Err(invalid) if is_defect(&invalid) => return Err(invalid),
        Err(_) => return Ok(false),
    };
    let next = match seeds.more.as_slice() {
        [] => None,
        _ => match case.next(seeds) {
            Ok(next) => Some(next),
            Err(invalid) if is_defect(&invalid) => return Err(invalid),
            Err(_) => None,
        },
    };
    let result = match (pure(&case), next.as_ref().map(pure)) {
        (Ok(()), None) => match Run::new(world, &case, seeds).await {
            Ok(run) => run.follow(seeds).await,
            Err(error) => Err(error),
        },
        (Ok(()), Some(Ok(()))) => {
            let next = next.as_ref().expect("the next one");
            further(world, &case, next, seeds).await
        }
        (Err(error), _) | (_, Some(Err(error))) => Err(error),
    };
    result.map(|()| true).map_err(|error| {
        let who = if seeds.owner {
            "an owner"
        } else {
            "a superuser"
        };
        let next = next.iter().flat_map(|next| &next.edits);
        let more: Vec<&str> = next.map(String::as_str).collect();
        format!(
            "{error}\n-- by {who}, after: {}, and then: {}",
            case.edits.join("; "),
            more.join("; ")
        )
    })
}

/// From a first schema to a second, from there to a third and back and there again, and all the way back.
async fn further(world: &World, case: &Case, next: &Case, seeds: &Seeds) -> Result<(), String> {
    let mut run = Run::new(world, case, seeds).await?;
    let admin = &world.lived.admin;
    let (states, first) = run.there(seeds).await?;
    let second = states.last().expect("a state").clone();
    // Rows that the first two can hold are not those that the last two can.
    let at_second = rows::contents(admin).await;
    let aside = rows::set_aside(admin).await;
    let onward = Run::onward(world, next, seeds);
    onward
        .follow(seeds)
        .await
        .map_err(|error| format!("{error}\n-- in the second change"))?;
    let mut onward = Run::onward(world, next, seeds);
    for pair in next.pairs.iter().rev() {
        onward.run(&pair.down, "back from the third").await?;
    }
    if let Some(pair) = next.pairs.first() {
        let found = world.lived.snapshot().await;
        onward.same(&second, &found, "back at the second", &pair.down)?;
    }
    onward.end()?;
    let restored = admin.batch_execute(&aside).await;
    restored.map_err(|error| format!("the rows that were set aside: {}", said(&error)))?;
    if rows::contents(admin).await != at_second {
        return Err("the rows that were set aside are not what they were".into());
    }
    run.back(&states).await?;
    run.returned(&first, &rows::contents(admin).await);
    run.end()
}

/// What the databases of a case are like.
fn databases(seeds: &Seeds) -> Platform {
    match seeds.supabase {
        true => Platform::Supabase,
        false => Platform::Postgres,
    }
}

/// What needs no database.
fn pure(case: &Case) -> Result<(), String> {
    let Case {
        from,
        to,
        pairs,
        renames,
        ..
    } = case;
    let bodies = |pairs: &[Migration]| -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|pair| (pair.up.body(), pair.down.body()))
            .collect()
    };
    let again = migrations(from, to, renames, &Settings::default());
    if again.is_ok_and(|again| bodies(pairs) != bodies(&again)) {
        return Err("two renderings differ".into());
    }
    for schema in [from, to] {
        let none = migrations(schema, schema, &Renames::default(), &Settings::default());
        if !plan(schema, schema).is_empty() || none.is_ok_and(|pairs| !pairs.is_empty()) {
            return Err("the plan of equals is not empty".into());
        }
    }
    let mut reached = from.clone();
    pairs.iter().for_each(|pair| pair.advance(&mut reached));
    match pairs.last() {
        Some(_) if reached != *to => Err("the last pair leads elsewhere".into()),
        None if from != to && !plan(from, to).is_empty() => Err("there is no pair".into()),
        None if needing_sql(from) != needing_sql(to) => Err("nothing is planned".into()),
        _ => Ok(()),
    }
}

/// Whether what stopped a case is no answer to what it asked for.
fn is_defect(message: &str) -> bool {
    ["schema is not valid", "knows no statement"]
        .iter()
        .any(|it| message.contains(it))
}

/// The tables without what no statement makes: the module paths of structs and the order of columns.
fn needing_sql(schema: &Schema) -> BTreeMap<QualifiedName, Table> {
    let mut tables = schema.tables.clone();
    for table in tables.values_mut() {
        table.source.clear();
        table.columns.sort_by(|a, b| a.name.cmp(&b.name));
        table.grants.retain(|_, commands| !commands.is_empty());
    }
    tables
}

/// A case on its way.
pub(crate) struct Run<'a> {
    world: &'a World,
    pub(crate) case: &'a Case,
    owner: bool,
    /// What was not as it should be.
    pub(crate) wrong: Vec<String>,
}

impl<'a> Run<'a> {
    async fn new(world: &'a World, case: &'a Case, seeds: &Seeds) -> Result<Run<'a>, String> {
        world.lived.clean(databases(seeds)).await;
        let run = Run::onward(world, case, seeds);
        build(run.lived().runner(run.owner), &case.from)
            .await
            .map_err(|e| format!("the first schema: {e}"))?;
        Ok(run)
    }

    /// A case that begins where another one has led.
    fn onward(world: &'a World, case: &'a Case, seeds: &Seeds) -> Run<'a> {
        Run {
            world,
            case,
            owner: seeds.owner,
            wrong: Vec::new(),
        }
    }

    fn lived(&self) -> &'a Place {
        &self.world.lived
    }

    /// What the second schema is when it is made anew.
    async fn wanted(&self, seeds: &Seeds) -> Result<State, String> {
        let fresh = &self.world.fresh;
        fresh.clean(databases(seeds)).await;
        build(&fresh.admin, &self.case.to)
            .await
            .map_err(|e| format!("the second schema: {e}"))?;
        Ok(fresh.snapshot().await)
    }

    async fn fill(&self) -> Result<(), String> {
        let inserts = rows::inserts(self.case, &empty::empty(self.case));
        let filled = self.lived().admin.batch_execute(&inserts).await;
        filled.map_err(|error| format!("the rows: {}\n{inserts}", said(&error)))
    }

    /// There only; what there was at each pair.
    async fn there(&mut self, seeds: &Seeds) -> Result<(Vec<State>, Contents), String> {
        let wanted = self.wanted(seeds).await?;
        self.fill().await?;
        let admin = &self.lived().admin;
        let first = rows::contents(admin).await;
        let mut states = vec![self.lived().snapshot().await];
        let case = self.case;
        for pair in &case.pairs {
            self.run(&pair.up, "up").await?;
            states.push(self.lived().snapshot().await);
        }
        if let (Some(pair), Some(found)) = (case.pairs.last(), states.last()) {
            self.same(&wanted, found, "up", &pair.up)?;
        }
        self.kept(&first, &rows::contents(admin).await, "up");
        Ok((states, first))
    }

    /// Back only, to what there was at each pair.
    async fn back(&mut self, states: &[State]) -> Result<(), String> {
        let case = self.case;
        for (pair, wanted) in case.pairs.iter().zip(states).rev() {
            self.run(&pair.down, "down").await?;
            self.same(wanted, &self.lived().snapshot().await, "down", &pair.down)?;
        }
        Ok(())
    }

    async fn follow(mut self, seeds: &Seeds) -> Result<(), String> {
        let pairs = &self.case.pairs;
        let wanted = self.wanted(seeds).await?;
        self.fill().await?;
        let admin = &self.lived().admin;

        let mut states = vec![self.lived().snapshot().await];
        let mut openings = vec![hazards::access(admin).await];
        let first = rows::contents(admin).await;
        let mut at = first.clone();
        let mut earlier = self.case.from.clone();
        for (k, pair) in pairs.iter().enumerate() {
            let what = format!("pair {} of {}", k + 1, pairs.len());
            let here = &states[k].clone();
            self.run(&pair.up, &format!("{what}, up")).await?;
            let there = self.lived().snapshot().await;
            let opening = hazards::access(admin).await;
            self.run(&pair.down, &format!("{what}, down")).await?;
            self.same(
                here,
                &self.lived().snapshot().await,
                &format!("{what}, down"),
                &pair.down,
            )?;
            let back = rows::contents(admin).await;
            self.losses(pair, &earlier, &at, &back);
            pair.advance(&mut earlier);
            self.run(&pair.up, &format!("{what}, up again")).await?;
            self.same(
                &there,
                &self.lived().snapshot().await,
                &format!("{what}, up again"),
                &pair.up,
            )?;
            at = rows::contents(admin).await;
            states.push(there);
            openings.push(opening);
        }
        let last = pairs.last().map(|pair| pair.up.clone());
        if let Some(last) = &last {
            self.same(&wanted, &states[pairs.len()], "all pairs up", last)?;
        }
        self.openings(&openings);
        self.kept(&first, &at, "up");
        for (k, pair) in pairs.iter().enumerate().rev() {
            self.run(&pair.down, "all pairs down").await?;
            self.same(
                &states[k],
                &self.lived().snapshot().await,
                "all pairs down",
                &pair.down,
            )?;
        }
        let back = rows::contents(admin).await;
        self.returned(&first, &back);
        for pair in pairs {
            self.run(&pair.up, "all pairs up again").await?;
        }
        if let Some(last) = &last {
            self.same(
                &wanted,
                &self.lived().snapshot().await,
                "all pairs up again",
                last,
            )?;
        }
        self.kept(&first, &rows::contents(admin).await, "up again");
        self.end()
    }

    fn end(self) -> Result<(), String> {
        match self.wrong.is_empty() {
            true => Ok(()),
            false => Err(self.wrong.join("\n")),
        }
    }

    /// Runs a script as `psql -1` does, or without a transaction where it says so, and looks at what
    /// the server does meanwhile.
    async fn run(&mut self, script: &Script, what: &str) -> Result<(), String> {
        let admin = &self.lived().admin;
        let client = self.lived().runner(self.owner);
        let body = script.body();
        let fail = |error: tokio_postgres::Error| format!("{what}: {}\n{body}", said(&error));
        if script.no_transaction {
            return self.run_outside(script, what).await;
        }
        let access = hazards::access(admin).await;
        client.batch_execute("begin").await.map_err(fail)?;
        let before = hazards::relations(client).await;
        if let Err(error) = client.batch_execute(&body).await {
            let message = fail(error);
            client.batch_execute("rollback").await.map_err(fail)?;
            return Err(message);
        }
        let held = hazards::locks(client).await;
        let after = hazards::relations(client).await;
        client.batch_execute("commit").await.map_err(fail)?;
        let mut wrong = hazards::compare(&script.plan, &before, &after, &held, self.owner);
        let later = hazards::access(admin).await;
        wrong.extend(hazards::compare_access(
            script, &before, &after, &access, &later,
        ));
        self.wrong
            .extend(wrong.iter().map(|it| format!("{it}\n-- {what}\n{body}")));
        Ok(())
    }

    /// Runs statement by statement: in a transaction what may, and what may not under the eyes of another
    /// session.
    async fn run_outside(&mut self, script: &Script, what: &str) -> Result<(), String> {
        let client = self.lived().runner(self.owner);
        let watcher = &self.world.fresh.admin;
        let fail =
            |error: tokio_postgres::Error| format!("{what}: {}\n{}", said(&error), script.body());
        for group in &script.plan.groups {
            for step in &group.steps {
                let mut one = Plan::default();
                one.group(&group.title).push(step.clone());
                let wrong = if step.sql.contains("concurrently") {
                    let before = hazards::relations(client).await;
                    let seen = hazards::watch(client, &step.sql, watcher)
                        .await
                        .map_err(fail)?;
                    let after = hazards::relations(client).await;
                    hazards::compare_seen(&one, &before, &after, &seen)
                } else {
                    client.batch_execute("begin").await.map_err(fail)?;
                    let before = hazards::relations(client).await;
                    client.batch_execute(&step.sql).await.map_err(fail)?;
                    let held = hazards::locks(client).await;
                    let after = hazards::relations(client).await;
                    client.batch_execute("commit").await.map_err(fail)?;
                    hazards::compare(&one, &before, &after, &held, self.owner)
                };
                let wrong = wrong.iter();
                self.wrong
                    .extend(wrong.map(|it| format!("{it}\n-- {what}\n{}", step.sql)));
            }
        }
        Ok(())
    }

    fn same(
        &self,
        wanted: &State,
        found: &State,
        what: &str,
        script: &Script,
    ) -> Result<(), String> {
        let findings: Vec<String> = wanted.diff(found);
        match findings.is_empty() {
            true => Ok(()),
            false => Err(format!(
                "{}\n-- {what}\n{}",
                findings.join("\n"),
                script.body()
            )),
        }
    }

    /// No moment between was more open than both ends.
    fn openings(&mut self, openings: &[Access]) {
        let (Some(first), Some(last)) = (openings.first(), openings.last()) else {
            return;
        };
        for (k, opening) in openings.iter().enumerate() {
            for (whom, (sees, _)) in opening {
                let ends = [first, last].map(|end| end.get(whom).map_or(0, |(sees, _)| *sees));
                if *sees > ends[0].max(ends[1]) {
                    self.wrong.push(format!(
                        "after pair {k}, {whom:?} sees {sees} rows, and {ends:?} at both ends"
                    ));
                }
            }
        }
    }
}

async fn build(client: &Client, schema: &Schema) -> Result<(), String> {
    let body = plan(&Schema::default(), schema).body();
    let result = client
        .batch_execute(&format!("begin;\n{body}\ncommit;"))
        .await;
    if let Err(error) = result {
        let message = format!("{}\n{body}", said(&error));
        client
            .batch_execute("rollback")
            .await
            .map_err(|error| said(&error))?;
        return Err(message);
    }
    Ok(())
}
