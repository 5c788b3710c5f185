//! Sealing, and loading what was sealed: nothing half-written, and every change told.

mod migrate_support;

use std::fs;

use migrate_support::{Project, step};
use tabellion::migrate::{MigrateError, Migrations, SealOptions, SealedFiles};

/// Seals with no options; the first pair.
fn seal(project: &Project, name: &str) -> Result<SealedFiles, MigrateError> {
    let sealed = tabellion::migrate::seal(project.root(), name, &SealOptions::default())?;
    Ok(sealed.into_iter().next().expect("a pair"))
}

fn refused(project: &Project) -> String {
    let error = Migrations::load(project.root()).unwrap_err();
    assert!(matches!(error, MigrateError::Files(_)), "{error}");
    error.to_string()
}

/// A file of the sealed project.
fn file(project: &Project, folder: &str, index: usize) -> String {
    let names = project.load();
    let migration = names.iter().nth(index).unwrap();
    let path = if folder == "migrations" {
        &migration.up.path
    } else {
        &migration.down.path
    };
    path.clone()
}

#[test]
fn a_sealed_draft_is_two_files_and_the_lock() {
    let project = Project::new();
    project.draw(&step(1));
    let sealed = seal(&project, "first_tables").unwrap();
    assert!(
        sealed
            .up
            .ends_with(format!("migrations/{}_first_tables.sql", sealed.version))
    );
    assert!(
        sealed
            .down
            .ends_with(format!("rollbacks/{}_first_tables.sql", sealed.version))
    );
    let up = fs::read_to_string(&sealed.up).unwrap();
    assert!(up.starts_with("-- Sealed by Tabellion"), "{up}");
    assert!(!up.contains("Draft"), "{up}");
    assert!(up.contains("\n\n-- roles\n"), "{up}");
    for draft in ["draft.sql", "draft.rollback.sql", "draft.lock"] {
        assert!(!project.path(draft).exists(), "{draft}");
    }
    project.draw(&step(2));
    let second = seal(&project, "second").unwrap();
    assert!(second.version > sealed.version);
    let parent = format!(
        "\n-- tabellion: parent {}\n",
        project.lock().migrations[&sealed.version].checksum(&sealed.version)
    );
    assert!(fs::read_to_string(&second.up).unwrap().contains(&parent));
    assert_eq!(project.lock().schema, step(2));
    assert_eq!(project.load().iter().count(), 2);
}

#[test]
fn a_changed_file_is_told_by_line() {
    let project = Project::sealed();
    for folder in ["migrations", "rollbacks"] {
        let path = file(&project, folder, 1);
        let sealed = project.read(&path);
        let line = sealed.lines().count();
        let text = sealed.trim_end().to_owned() + " -- harmless\n";
        project.write(&path, &text);
        let said = refused(&project);
        assert!(
            said.starts_with(&format!(
                "`{}` was changed after it was sealed: line {line} now reads `",
                project.path(&path).display()
            )),
            "{said}"
        );
        assert!(said.contains("-- harmless`; restore it"), "{said}");
        project.write(&path, &sealed);
    }
    project.load();
}

#[test]
fn line_endings_and_trailing_blanks_are_no_change() {
    let project = Project::sealed();
    let expected = project.load();
    for index in 0..3 {
        for folder in ["migrations", "rollbacks"] {
            let path = file(&project, folder, index);
            let text = project.read(&path);
            project.write(
                &path,
                &format!("\u{feff}{}\r\n\r\n", text.replace('\n', " \t\r\n")),
            );
        }
    }
    let lock = project.read("tabellion.lock").replace('\n', "\r\n");
    project.write("tabellion.lock", &lock);
    assert_eq!(project.load(), expected);
}

#[test]
fn a_missing_file_is_told_and_all_problems_at_once() {
    let project = Project::sealed();
    let (up, down) = (
        file(&project, "migrations", 0),
        file(&project, "rollbacks", 2),
    );
    fs::remove_file(project.path(&up)).unwrap();
    fs::remove_file(project.path(&down)).unwrap();
    assert_eq!(
        refused(&project),
        format!(
            "`{}` is sealed but missing; restore it from version control\n\
             `{}` is sealed but missing; restore it from version control",
            project.path(&up).display(),
            project.path(&down).display()
        )
    );
}

#[test]
fn a_lock_that_cannot_be_used_is_told_with_its_line() {
    let project = Project::sealed();
    let sealed = project.read("tabellion.lock");
    let path = project.path("tabellion.lock");
    let shown = path.display();

    project.write(
        "tabellion.lock",
        &sealed.replacen("\nschema.", "\n<<<<<<< HEAD\nschema.", 1),
    );
    let said = refused(&project);
    assert!(
        said.starts_with(&format!("`{shown}` cannot be used: line ")),
        "{said}"
    );
    assert!(said.contains("holds a merge conflict;"), "{said}");

    project.write("tabellion.lock", &sealed[..sealed.len() / 2]);
    let said = refused(&project);
    assert!(said.contains("cannot be used"), "{said}");

    fs::write(&path, [0xff, 0xfe, 0]).unwrap();
    assert!(refused(&project).contains("is not UTF-8"));

    fs::remove_file(&path).unwrap();
    let said = refused(&project);
    assert!(
        said.starts_with(&format!("`{shown}` does not exist; restore it")),
        "{said}"
    );
}

#[test]
fn a_file_that_the_lock_does_not_know_is_told() {
    let project = Project::sealed();
    project.write("migrations/29990101000000_by_hand.sql", "select 1;\n");
    // Another tool's history from before, and what is no migration.
    project.write("migrations/20200101000000_before.sql", "select 1;\n");
    project.write("migrations/notes.sql", "select 1;\n");
    project.write("migrations/.29990101000001_x.sql.tmp", "half");
    let said = refused(&project);
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(
        said.contains("29990101000000_by_hand.sql` is not in the lock and would never be applied"),
        "{said}"
    );
}

#[test]
fn a_seal_that_was_cut_short_is_completed_by_the_same_command() {
    for written in 0..=2 {
        let project = Project::sealed();
        let mut next = step(3);
        next.roles
            .insert("late".into(), tabellion_sql::schema::Role::External);
        project.draw(&next);
        let before = project.read("tabellion.lock");
        let drafts: Vec<_> = ["draft.sql", "draft.rollback.sql", "draft.lock"]
            .map(|file| (file, project.read(file)))
            .into();
        let sealed = seal(&project, "late").unwrap();
        let lock = project.read("tabellion.lock");

        // Back to where a kill after so many files would have left it.
        project.write("tabellion.lock", &before);
        for (file, text) in &drafts {
            project.write(file, text);
        }
        if written < 2 {
            fs::remove_file(&sealed.down).unwrap();
        }
        if written < 1 {
            fs::remove_file(&sealed.up).unwrap();
        } else {
            let said = refused(&project);
            assert!(
                said.contains("remove the file, build, and run it again"),
                "{said}"
            );
            // Under another name it would stay an orphan.
            assert!(matches!(
                seal(&project, "other"),
                Err(MigrateError::Files(_))
            ));
        }
        let again = seal(&project, "late").unwrap();
        if written > 0 {
            assert_eq!(again, sealed);
            assert_eq!(project.read("tabellion.lock"), lock);
        }
        assert_eq!(project.load().iter().count(), 4);
    }
}

#[test]
fn a_draft_that_is_not_the_builds_is_refused() {
    let project = Project::sealed();
    let said = seal(&project, "none").unwrap_err().to_string();
    assert!(said.contains("holds no draft"), "{said}");

    project.draw(&step(2));
    let draft = project.read("draft.lock");
    project.write("draft.sql", "drop table public.order;\n");
    let said = seal(&project, "edited").unwrap_err().to_string();
    assert!(said.contains("is not what the build wrote"), "{said}");

    fs::remove_file(project.path("draft.sql")).unwrap();
    let said = seal(&project, "part").unwrap_err().to_string();
    assert!(said.contains("a part of a draft only"), "{said}");

    let project = Project::sealed();
    project.draw(&step(2));
    project.write("draft.lock", &draft.replace("parent = \"", "parent = \"0"));
    let said = seal(&project, "stale").unwrap_err().to_string();
    assert!(said.contains("drawn against another lock"), "{said}");
    assert_eq!(project.load().iter().count(), 3);
}

#[test]
fn a_folder_that_is_not_there_is_not_made() {
    let project = Project::new();
    let said = seal(&project, "none").unwrap_err().to_string();
    assert!(said.contains("holds no draft"), "{said}");
    assert!(!project.root().exists());
}

#[test]
fn a_name_has_one_form() {
    let project = Project::sealed();
    project.draw(&step(2));
    for name in ["", "Add", "a b", "a-b", "../x", "ü"] {
        let error = seal(&project, name).unwrap_err();
        assert!(matches!(error, MigrateError::Request(_)), "{name}: {error}");
    }
}

#[test]
fn a_folder_that_cannot_be_written_seals_nothing() {
    let project = Project::new();
    project.draw(&step(1));
    // Whoever runs the tests may be allowed to write anywhere; a file cannot be a folder for anyone.
    project.write("rollbacks", "");
    let error = seal(&project, "first").unwrap_err();
    assert!(matches!(error, MigrateError::Io(_)), "{error}");
    assert!(!project.path("tabellion.lock").exists());
    fs::remove_file(project.path("rollbacks")).unwrap();
    seal(&project, "first").unwrap();
    assert_eq!(project.load().iter().count(), 1);
}
