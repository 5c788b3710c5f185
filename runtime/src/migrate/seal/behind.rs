//! Sealing the migrations of one branch anew, behind those of another.
//!
//! Each was drawn for the schema that its branch had. Where what it would say of the schema that it is to
//! follow now is the same, it stays as it is. Where that differs, since both branches made the first use of
//! something that tables share, or took the last away, it is drawn anew, unless a person answered for it or
//! wrote it: then it is refused.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use tabellion_sql::file::{Document, Header};
use tabellion_sql::lock::{DOWN, Lock, NewPair, Order, Sealed, UP, carried, schema_checksum};
use tabellion_sql::plan::{Question, Script, Settings, migrations, plan};
use tabellion_sql::schema::{QualifiedName, Renames, Schema};
use tabellion_sql::verify::verify;

use super::super::error::{MigrateError, Problems};
use super::reseal::Resealed;
use super::{SealedFiles, clock, is_by_hand, titles};

const WAY_OUT: &str =
    "take one of the branches back to before its seal, merge, build, and seal it again";

/// How the line of a title begins that says which migrations a file stands in for.
const IN_PLACE: &str = "-- Drawn anew, behind another branch, in place of ";

/// Whether a file was drawn anew in place of that version.
pub(super) fn is_in_place_of(text: &str, version: &str) -> bool {
    let mut title = text.lines().take_while(|line| line.starts_with("--"));
    title.any(|line| {
        line.strip_prefix(IN_PLACE)
            .is_some_and(|of| of.contains(version))
    })
}

/// A version as its files have it, of one that a merge has told apart from another of the same second.
pub(super) fn plain(version: &str) -> &str {
    version.get(..14).unwrap_or(version)
}

/// A migration as its branch sealed it.
pub(super) struct Link {
    pub(super) version: String,
    pub(super) sealed: Sealed,
    pub(super) up: Document,
    pub(super) down: Document,
    /// Whether the other branch holds it too, under another version: sealed anew there, or written by hand and
    /// taken over.
    pub(super) superseded: bool,
}

/// A pair of files, the one that applies it first.
type Pair = (Document, Document);

/// A migration with the texts of its files, none for what is left out.
pub(super) type Written = (Resealed, Option<[String; 2]>);

/// Seals what is moved behind what is kept, the first under `version` and each next one a second later.
pub(super) fn behind(
    root: &Path,
    lock: &mut Lock,
    order: &Order,
    moved: Vec<Link>,
    schemas: &BTreeMap<Option<String>, Schema>,
    version: &str,
) -> Result<Vec<Written>, MigrateError> {
    let sum = |version: &String| Some(lock.migrations.get(version)?.checksum(version));
    let kept = order.kept.last().and_then(sum);
    let of = |sum: &Option<String>| schemas.get(sum).cloned().unwrap_or_default();
    let merged = lock.schema.clone();
    let broken = |error: tabellion_sql::lock::LockError| MigrateError::files(error.to_string());
    lock.refuse_unread(schemas).map_err(broken)?;
    whole(&merged, schemas)?;
    lock.part(&order.moved, of(&kept)).map_err(broken)?;

    let mut seals = seals(moved);
    let superseded = |links: &[Link]| links.iter().any(|link| link.superseded);
    let last = seals
        .iter()
        .rposition(|links| changes(links) && !superseded(links));
    let mut resealed = Vec::new();
    for (index, links) in seals.drain(..).enumerate() {
        let (Some(first), Some(end)) = (links.first(), links.last()) else {
            continue;
        };
        if superseded(&links) {
            // Its reasons stand in the files that were sealed anew.
            let left_out = links.iter().map(|link| Resealed {
                said_already: BTreeMap::new(),
                ..left_out(root, link)
            });
            resealed.extend(left_out.map(|one| (one, None)));
            continue;
        }
        let name = first.sealed.name.clone();
        let before = of(&first.sealed.parent);
        let after = of(&Some(end.sealed.checksum(&end.version)));
        let to = if last == Some(index) {
            merged.clone()
        } else {
            let fits = carried(&lock.schema, &before, &after);
            let what = "would change what is not there in that way behind the other branch";
            fits.ok_or_else(|| refused(&links, what))?
        };
        let anew = match changes(&links) {
            true => {
                let settings = Settings {
                    homes: lock.homes(),
                    ..settings(&links)
                };
                fitted(&links, [&before, &after], [&lock.schema, &to], &settings)?
            }
            false => None,
        };
        let was: Vec<String> = links.iter().map(|link| link.version.clone()).collect();
        if anew.as_ref().is_some_and(Vec::is_empty) {
            // The other branch says all of it already.
            resealed.extend(links.iter().map(|link| (left_out(root, link), None)));
            continue;
        }
        let answers: BTreeMap<String, String> = links
            .iter()
            .flat_map(|link| link.up.header.accepted.clone())
            .collect();
        let drawn_anew = anew.is_some();
        let pairs: Vec<Pair> = match anew {
            Some(pairs) => pairs,
            None => links.into_iter().map(|link| (link.up, link.down)).collect(),
        };
        let mut said_already = answers;
        for (up, _) in &pairs {
            said_already.retain(|object, _| !up.header.accepted.contains_key(object));
        }
        let count = pairs.len();
        let pairs: Vec<NewPair> = (1..)
            .zip(pairs)
            .map(|(number, (up, down))| NewPair {
                version: clock::after(version, (resealed.len() + number - 1) as u64),
                up,
                down,
                schema: (number == count).then(|| schema_checksum(&to)),
            })
            .collect();
        let versions: Vec<String> = pairs.iter().map(|pair| pair.version.clone()).collect();
        let texts = lock.seal(&name, pairs, to).map_err(broken)?;
        for (number, (version, texts)) in versions.into_iter().zip(texts).enumerate() {
            let Some(sealed) = lock.migrations.get(&version) else {
                continue;
            };
            let file = sealed.file_name(&version);
            let from = was.get(number).or(was.last()).cloned().unwrap_or_default();
            let one = Resealed {
                from: plain(&from).to_owned(),
                drawn_anew,
                left_out: false,
                said_already: std::mem::take(&mut said_already),
                files: SealedFiles {
                    up: root.join(UP).join(&file),
                    down: root.join(DOWN).join(&file),
                    hazards: sealed.hazards.clone(),
                    accepted: sealed.accepted.clone(),
                    version,
                },
            };
            resealed.push((one, Some(texts)));
        }
    }
    if lock.schema == merged {
        Ok(resealed)
    } else {
        Err(MigrateError::files(format!(
            "the migrations of the branches do not lead to the schema of both; {WAY_OUT}"
        )))
    }
}

/// A migration that would change nothing behind the other branch.
fn left_out(root: &Path, link: &Link) -> Resealed {
    let file = link.sealed.file_name(&link.version);
    let version = plain(&link.version).to_owned();
    Resealed {
        from: version.clone(),
        drawn_anew: false,
        left_out: true,
        said_already: link.sealed.accepted.clone(),
        files: SealedFiles {
            up: root.join(UP).join(&file),
            down: root.join(DOWN).join(&file),
            hazards: link.sealed.hazards.clone(),
            accepted: link.sealed.accepted.clone(),
            version,
        },
    }
}

/// Refuses a schema in which the branches do not fit together.
fn whole(merged: &Schema, schemas: &BTreeMap<Option<String>, Schema>) -> Result<(), MigrateError> {
    let known: Vec<_> = schemas.values().flat_map(verify).collect();
    let problems: Vec<String> = verify(merged)
        .into_iter()
        .filter(|finding| !known.contains(finding))
        .map(|finding| {
            format!(
                "the branches do not fit together at table `{}`: {}; {WAY_OUT}",
                finding.table, finding.message
            )
        })
        .collect();
    match problems.as_slice() {
        [] => Ok(()),
        _ => Err(MigrateError::Files(Problems(problems))),
    }
}

/// Whether what was sealed together changes the schema.
fn changes(links: &[Link]) -> bool {
    let last = links.last().map(|link| &link.sealed);
    last.is_some_and(|it| !it.gone.is_empty() || !it.came.is_empty())
}

/// The migrations by the seal that wrote them: of one that wrote several, the last says what they change.
fn seals(links: Vec<Link>) -> Vec<Vec<Link>> {
    let mut seals: Vec<Vec<Link>> = Vec::new();
    for link in links {
        let belongs = |before: &Link| {
            before.sealed.name == link.sealed.name
                && link.sealed.parent.as_deref() == Some(&*before.sealed.checksum(&before.version))
                && !is_by_hand(&before.up.title)
                && before.superseded == link.superseded
        };
        match seals.last_mut() {
            Some(seal) if !changes(seal) && seal.last().is_some_and(belongs) => seal.push(link),
            _ => seals.push(vec![link]),
        }
    }
    seals
}

/// What leads to the second schema of `now` as the pairs led to the second of `was`; `None` where they do.
fn fitted(
    links: &[Link],
    was: [&Schema; 2],
    now: [&Schema; 2],
    settings: &Settings,
) -> Result<Option<Vec<Pair>>, MigrateError> {
    if now[0] == now[1] {
        return Ok(Some(Vec::new()));
    }
    let drawn = |[from, to]: [&Schema; 2]| {
        let drawn = migrations(from, to, &Renames::default(), settings)?;
        let pairs = drawn.iter();
        let pairs = pairs.map(|pair| Some((document(&pair.up)?, document(&pair.down)?)));
        Ok::<Option<Vec<Pair>>, Vec<Question>>(pairs.collect())
    };
    let before = drawn(was).ok().flatten();
    let (anew, asked) = match drawn(now) {
        Ok(anew) => (anew, None),
        Err(questions) => (None, questions.into_iter().next()),
    };
    if before.is_some() && before == anew {
        return Ok(None);
    }
    match anew {
        Some(anew) if before.as_ref().is_some_and(|before| says(links, before)) => {
            answered(links, anew).map(Some)
        }
        // What a person has answered, such as that a column was renamed, is in none of the two.
        _ if same(was, now) => Ok(None),
        _ => {
            let what = match asked.filter(|_| before.is_some()) {
                // It is asked only behind the other branch.
                Some(asked) => format!("cannot stand behind the other branch: {}", asked.message),
                None => format!(
                    "would have to say something else behind the other branch, since {}",
                    both_changed(was, now)
                ),
            };
            Err(refused(links, &what))
        }
    }
}

/// The limits that the files set for themselves.
fn settings(links: &[Link]) -> Settings {
    let limit = |name: &str| {
        links.iter().find_map(|link| {
            let opening = format!("set_config('{name}', '");
            let (_, rest) = link.up.body.split_once(&opening)?;
            Some(rest.split_once('\'')?.0.to_owned())
        })
    };
    let usual = Settings::default();
    Settings {
        lock_timeout: limit("lock_timeout").unwrap_or(usual.lock_timeout),
        statement_timeout: limit("statement_timeout").unwrap_or(usual.statement_timeout),
        ..usual
    }
}

/// A file without its title.
fn document(script: &Script) -> Option<Document> {
    let header = Header {
        no_transaction: script.no_transaction,
        hazards: script.hazards(),
        ..Header::default()
    };
    Document::parse(&format!("{header}\n{}", script.body())).ok()
}

/// Whether the files are what was drawn.
fn says(links: &[Link], drawn: &[Pair]) -> bool {
    let same = |file: &Document, drawn: &Document| {
        file.body == drawn.body && file.header.no_transaction == drawn.header.no_transaction
    };
    let mut pairs = links.iter().zip(drawn);
    links.len() == drawn.len()
        && pairs.all(|(link, (up, down))| same(&link.up, up) && same(&link.down, down))
}

/// Whether one change reads as the other, there and back, each in one transaction.
fn same([from, to]: [&Schema; 2], [other_from, other_to]: [&Schema; 2]) -> bool {
    let alike = |one: [&Schema; 2], other: [&Schema; 2]| {
        let [one, other] = [one, other].map(|[from, to]| plan(from, to));
        one.body() == other.body() && one.hazards() == other.hazards()
    };
    alike([from, to], [other_from, other_to]) && alike([to, from], [other_to, other_from])
}

/// Gives what is drawn anew its title, and the reasons that were given for what it does.
fn answered(links: &[Link], mut anew: Vec<Pair>) -> Result<Vec<Pair>, MigrateError> {
    let headers = || links.iter().map(|link| &link.up.header);
    let reasons: BTreeMap<&String, &String> = headers().flat_map(|it| &it.accepted).collect();
    let seen: BTreeSet<String> = headers()
        .flat_map(|it| &it.hazards)
        .map(ToString::to_string)
        .collect();
    let name = links.first().map_or("", |link| &link.sealed.name);
    let versions: Vec<&str> = links.iter().map(|link| plain(&link.version)).collect();
    let in_place = format!("{IN_PLACE}{}.\n", versions.join(", "));
    for (up, down) in &mut anew {
        for hazard in &up.header.hazards {
            let object = hazard.to_accept();
            let reason = object.and_then(|object| Some((object, reasons.get(&object.to_owned())?)));
            match (object, reason) {
                (_, Some((object, reason))) => {
                    let reason = (*reason).clone();
                    up.header.accepted.insert(object.to_owned(), reason);
                }
                (None, _) if !hazard.to_review() || seen.contains(&hazard.to_string()) => {}
                _ => {
                    return Err(refused(
                        links,
                        &format!(
                            "would do what nobody has looked at behind the other branch, `{hazard}`"
                        ),
                    ));
                }
            }
        }
        [up.title, down.title] = titles(name, &up.body).map(|title| title + &in_place);
    }
    Ok(anew)
}

fn refused(links: &[Link], what: &str) -> MigrateError {
    let names = links
        .first()
        .map(|link| link.sealed.file_name(&link.version));
    MigrateError::files(format!(
        "`{UP}/{}` {what}; {WAY_OUT}",
        names.unwrap_or_default()
    ))
}

/// The tables that both branches changed.
fn both_changed(was: [&Schema; 2], now: [&Schema; 2]) -> String {
    let changed = |[from, to]: [&Schema; 2]| -> BTreeSet<QualifiedName> {
        let names = from.tables.keys().chain(to.tables.keys());
        names
            .filter(|name| from.tables.get(*name) != to.tables.get(*name))
            .cloned()
            .collect()
    };
    let other = changed([was[0], now[0]]);
    let both = changed(was).into_iter().filter(|name| other.contains(name));
    let both: Vec<String> = both.map(|name| format!("`{name}`")).collect();
    match both.as_slice() {
        [] => "what tables share has changed".to_owned(),
        [table] => format!("table {table} has changed"),
        tables => format!("tables {} have changed", tables.join(", ")),
    }
}
