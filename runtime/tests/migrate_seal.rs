//! What is sealed only with a reason, several pairs at once, and two who seal at the same moment.

mod migrate_support;

use std::fs;

use migrate_support::{Project, step};
use tabellion::migrate::{MigrateError, SealOptions, new_hand, seal, seal_hand};
use tabellion_sql::file::Header;

const LOSS: &str = "-- Draft.\n\
    -- tabellion: loses-data: column public.note.body: dropped\n\
    -- tabellion: removes: index public.note_idx: dropped\n\
    -- tabellion: locks: public.note (access exclusive)\n\nselect 1;\n";
const BACK: &str = "-- Draft.\n\nselect 2;\n";

fn options(accept: &[&str], reviewed: bool) -> SealOptions {
    SealOptions {
        accept: accept.iter().map(|&text| text.to_owned()).collect(),
        reviewed,
    }
}

#[test]
fn a_hazard_takes_a_reason_that_is_kept() {
    let project = Project::new();
    project.draw_text(&step(1), LOSS, BACK);
    let reason = "column public.note.body: moved to\nthe archive";
    for (given, lines) in [
        (options(&[], false), 2),
        (options(&[], true), 1),
        (options(&[reason], false), 1),
        (options(&["column public.note.body: "], true), 2),
        (options(&[reason, "table public.note: why"], true), 1),
    ] {
        let error = seal(project.root(), "fewer", &given).unwrap_err();
        assert!(matches!(error, MigrateError::Unaccepted(_)), "{error}");
        assert_eq!(error.to_string().lines().count(), lines, "{error}");
        assert!(!project.path("tabellion.lock").exists());
        assert!(!project.path("migrations").exists());
    }
    let sealed = seal(project.root(), "fewer", &options(&[reason], true)).unwrap();
    let text = fs::read_to_string(&sealed[0].up).unwrap();
    let header = Header::parse(&text).unwrap();
    assert_eq!(header.hazards.len(), 3);
    assert_eq!(
        header.accepted["column public.note.body"],
        "moved to the archive"
    );
    let lock = project.lock();
    let entry = &lock.migrations[&sealed[0].version];
    assert_eq!(entry.hazards, header.hazards);
    assert_eq!(entry.accepted, header.accepted);
    assert_eq!(
        project.read(".gitattributes"),
        "tabellion.lock merge=union\n*.sql text eol=lf\n"
    );
    project.load();

    // What is someone's own is left alone.
    project.write(".gitattributes", "# mine\n");
    project.draw(&step(2));
    project.seal("second");
    assert_eq!(project.read(".gitattributes"), "# mine\n");
}

#[test]
fn after_a_build_that_did_not_finish_no_draft_is_sealed() {
    let project = Project::new();
    project.draw(&step(1));
    project.write("draft.unfinished", "");
    let reviewed = options(&[], true);
    let refused = || {
        let error = seal(project.root(), "first", &reviewed).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("the last build did not finish"),
            "{error}"
        );
    };
    refused();
    assert!(!project.path("tabellion.lock").exists());
    fs::remove_file(project.path("draft.unfinished")).unwrap();
    seal(project.root(), "first", &reviewed).unwrap();
    // That there is no draft then says nothing either.
    project.write("draft.unfinished", "");
    refused();
}

#[test]
fn a_literal_that_normalising_would_change_is_refused() {
    let project = Project::new();
    let text = "insert into public.a values (1, 'two  \nlines\r\nx');\n";
    let none = options(&[], false);
    let plain = "-- Draft.\n\nselect 1;\n";
    for (up, down, file, line) in [
        (text, "select 1;\n", "greeting.sql", 1),
        (
            "select 1;\n",
            "\nselect $$ \n$$;\n",
            "greeting.rollback.sql",
            2,
        ),
    ] {
        let files = new_hand(project.root(), "greeting").unwrap();
        fs::write(&files.up, up).unwrap();
        fs::write(&files.down, down).unwrap();
        let error = seal_hand(project.root(), "greeting", &none, |_, _| Vec::new()).unwrap_err();
        assert!(matches!(error, MigrateError::Files(_)), "{error}");
        let said = error.to_string();
        assert!(
            said.contains(&format!(
                "{file}` line {line}: holds a line ending or trailing blank"
            )),
            "{said}"
        );
        fs::remove_dir_all(project.path("hand")).unwrap();
    }
    project.draw_text(&step(1), plain, &format!("{plain}{text}"));
    let error = seal(project.root(), "first", &none).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("draft.rollback.sql` line 4: holds a"),
        "{error}"
    );
    assert!(!project.path("tabellion.lock").exists());

    // A checkout on Windows changes every line of what the build wrote, and with it no meaning.
    let function = format!("{plain}do $$\nbegin\nend\n$$;\n");
    project.draw_text(&step(1), &function, plain);
    project.write("draft.sql", &function.replace('\n', "\r\n"));
    let sealed = seal(project.root(), "first", &none).unwrap();
    let text = fs::read_to_string(&sealed[0].up).unwrap();
    assert!(text.ends_with("do $$\nbegin\nend\n$$;\n"), "{text}");
}

fn draw_three(project: &Project) {
    let texts: Vec<(String, String)> = (1..=3)
        .map(|number| {
            let file = |what: &str| format!("-- Draft.\n\nselect '{what} {number}';\n");
            (file("up"), file("down"))
        })
        .collect();
    let schemas = [step(1), step(2), step(3)];
    let pairs: Vec<_> = texts
        .iter()
        .zip(&schemas)
        .map(|((up, down), schema)| (up.as_str(), down.as_str(), schema))
        .collect();
    project.draw_pairs(&schemas[2], &pairs);
}

#[test]
fn several_pairs_are_sealed_a_second_apart_as_one_chain() {
    let project = Project::new();
    draw_three(&project);
    let sealed = seal(project.root(), "three", &SealOptions::default()).unwrap();
    let versions: Vec<u64> = sealed
        .iter()
        .map(|files| files.version.parse().unwrap())
        .collect();
    assert_eq!(versions.len(), 3);
    // Sixty seconds make the next minute, so that the digits may jump.
    assert!(versions.is_sorted_by(|a, b| a < b), "{versions:?}");
    let lock = project.lock();
    assert_eq!(lock.schema, step(3));
    assert_eq!(project.load().iter().count(), 3);
    assert!(project.load().iter().all(|one| one.name == "three"));
    for file in [
        "draft.sql",
        "draft.rollback.sql",
        "draft.2.sql",
        "draft.2.rollback.sql",
        "draft.3.sql",
        "draft.lock",
    ] {
        assert!(!project.path(file).exists(), "{file}");
    }
}

#[test]
fn several_pairs_cut_short_anywhere_are_completed() {
    for written in 0..=6 {
        let project = Project::new();
        draw_three(&project);
        let drafts: Vec<_> = ["draft", "draft.2", "draft.3"]
            .iter()
            .flat_map(|stem| [format!("{stem}.sql"), format!("{stem}.rollback.sql")])
            .chain(["draft.lock".to_owned()])
            .map(|file| (project.read(&file), file))
            .collect();
        let sealed = seal(project.root(), "three", &SealOptions::default()).unwrap();
        let lock = project.read("tabellion.lock");

        fs::remove_file(project.path("tabellion.lock")).unwrap();
        for (text, file) in &drafts {
            project.write(file, text);
        }
        let files = sealed.iter().flat_map(|files| [&files.up, &files.down]);
        for path in files.skip(written) {
            fs::remove_file(path).unwrap();
        }
        let again = seal(project.root(), "three", &SealOptions::default()).unwrap();
        if written > 0 {
            assert_eq!(again, sealed, "{written}");
            assert_eq!(project.read("tabellion.lock"), lock, "{written}");
        }
        assert_eq!(project.load().iter().count(), 3);
    }
}

#[test]
fn a_missing_pair_is_a_part_of_a_draft() {
    let project = Project::new();
    draw_three(&project);
    fs::remove_file(project.path("draft.2.rollback.sql")).unwrap();
    let said = seal(project.root(), "three", &SealOptions::default()).unwrap_err();
    assert!(
        said.to_string().contains("a part of a draft only"),
        "{said}"
    );
}

#[test]
fn of_two_who_seal_at_once_one_seals_and_the_other_is_told() {
    for _ in 0..8 {
        let project = Project::new();
        draw_three(&project);
        let root = project.root();
        let threads: Vec<_> = ["left", "right"]
            .map(|name| {
                let root = root.clone();
                std::thread::spawn(move || seal(root, name, &SealOptions::default()))
            })
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect();
        let refused: Vec<_> = threads
            .iter()
            .filter_map(|one| one.as_ref().err())
            .collect();
        assert_eq!(refused.len(), 1, "{refused:?}");
        assert!(
            refused[0].to_string().contains("holds no draft"),
            "{refused:?}"
        );
        assert_eq!(project.load().iter().count(), 3);
    }
}

/// The files of a folder.
fn listed(project: &Project, folder: &str) -> Vec<String> {
    let entries = fs::read_dir(project.path(folder)).into_iter().flatten();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect()
}

#[test]
fn what_cannot_be_written_leaves_nothing_behind() {
    for blocked in ["rollbacks", ".tabellion.lock.tmp"] {
        let project = Project::new();
        project.draw(&step(1));
        // A file where a folder must be, or the other way round.
        match blocked {
            "rollbacks" => project.write(blocked, ""),
            _ => fs::create_dir(project.path(blocked)).unwrap(),
        }
        let error = seal(project.root(), "first", &options(&[], false)).unwrap_err();
        assert!(error.to_string().contains("nothing is sealed"), "{error}");
        assert!(listed(&project, "migrations").is_empty(), "{error}");
        assert!(listed(&project, "rollbacks").is_empty(), "{error}");
        match blocked {
            "rollbacks" => fs::remove_file(project.path(blocked)).unwrap(),
            _ => fs::remove_dir(project.path(blocked)).unwrap(),
        }
        seal(project.root(), "first", &options(&[], false)).unwrap();
        project.load();
    }
}

#[test]
fn what_a_killed_seal_left_has_one_way_out() {
    let project = Project::new();
    project.draw(&step(1));
    project.seal("first");
    let orphan = "migrations/20300101000000_second.sql";
    project.write(orphan, "-- Sealed by Tabellion.\n\nselect 1;\n");
    let said = tabellion::migrate::Migrations::load(project.root())
        .unwrap_err()
        .to_string();
    assert!(
        said.contains("remove the file, build, and run it again"),
        "{said}"
    );
}
