//! The property: from one schema to another, back, and there again, with rows in the tables.

use tabellion::catalog::Snapshot;
use tabellion_sql::plan::{Migration, Script, Settings, migrations, plan};
use tabellion_sql::schema::{Renames, Schema};
use tokio_postgres::Client;

use crate::case::{Case, Seeds};
use crate::database::{Place, said};
use crate::hazards::{self, Access};
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
        Err(invalid) if invalid.contains("schema is not valid") => return Err(invalid),
        Err(_) => return Ok(false),
    };
    let result = match pure(&case) {
        Ok(()) => Run::new(world, &case, seeds).await.follow().await,
        Err(error) => Err(error),
    };
    result.map(|()| true).map_err(|error| {
        let who = if seeds.owner {
            "an owner"
        } else {
            "a superuser"
        };
        format!("{error}\n-- by {who}, after: {}", case.edits.join("; "))
    })
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
        _ => Ok(()),
    }
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
    async fn new(world: &'a World, case: &'a Case, seeds: &Seeds) -> Run<'a> {
        let platform = case.from.platform;
        let databases = match seeds.supabase {
            true => platform,
            false => tabellion_sql::schema::Platform::Postgres,
        };
        world.lived.clean(databases).await;
        world.fresh.clean(databases).await;
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

    async fn follow(mut self) -> Result<(), String> {
        let world = self.world;
        let pairs = &self.case.pairs;
        build(&world.fresh.admin, &self.case.to)
            .await
            .map_err(|e| format!("the second schema: {e}"))?;
        let wanted = world.fresh.snapshot().await;
        let runner = self.lived().runner(self.owner);
        build(runner, &self.case.from)
            .await
            .map_err(|e| format!("the first schema: {e}"))?;
        let inserts = rows::inserts(self.case, &empty::empty(self.case));
        let admin = &self.lived().admin;
        let filled = admin.batch_execute(&inserts).await;
        filled.map_err(|error| format!("the rows: {}\n{inserts}", said(&error)))?;

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
            // Its locks come and go while it runs, and nothing can look at them in between.
            for step in script.plan.steps() {
                client.batch_execute(&step.sql).await.map_err(fail)?;
            }
            return Ok(());
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
        let mut wrong = hazards::compare(script, &before, &after, &held, self.owner);
        let later = hazards::access(admin).await;
        wrong.extend(hazards::compare_access(
            script, &before, &after, &access, &later,
        ));
        self.wrong
            .extend(wrong.iter().map(|it| format!("{it}\n-- {what}\n{body}")));
        Ok(())
    }

    fn same(
        &self,
        wanted: &Snapshot,
        found: &Snapshot,
        what: &str,
        script: &Script,
    ) -> Result<(), String> {
        let findings: Vec<String> = wanted.diff(found).iter().map(ToString::to_string).collect();
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
