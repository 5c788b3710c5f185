//! What the drawn tests know of settings, and the guards that `test --mutate` takes away.

use tabellion::TextEnum;
use tabellion_sql::proof::{ProofScope, ProofSetting, rls_tests};
use tabellion_sql::schema::{Expr, Platform, QualifiedName, Rls, Type};

use super::{ROLE, Region, SOURCE};
use crate::support::{Outcome, World, guards};

fn proof_scope() -> ProofScope {
    let setting = |name: &str, ty, texts: &[&str]| ProofSetting {
        name: name.into(),
        claim: None,
        ty,
        texts: texts.iter().map(|&text| text.into()).collect(),
    };
    ProofScope {
        role: ROLE.into(),
        settings: vec![
            setting("app.org", Type::Uuid, &[]),
            setting("app.small", Type::Int2, &[]),
            setting("app.level", Type::Int4, &[]),
            setting("app.big", Type::Int8, &[]),
            setting("app.staff", Type::Bool, &[]),
            setting("app.day", Type::Date, &[]),
            setting("app.region", Type::Text, Region::VARIANTS),
            setting("app.name", Type::Text, &[]),
        ],
    }
}

#[tokio::test]
async fn each_guard_of_a_setting_is_taken_away_by_itself() -> Outcome {
    let guards = guards(SOURCE, Platform::Postgres, proof_scope()).await?;
    assert_eq!(
        guards,
        [
            "elsewhere: form of a value",
            "not_there: form of a value 1 of 2",
            "not_there: form of a value 2 of 2",
            "of_big: form of a value 1 of 2",
            "of_big: form of a value 2 of 2",
            "of_day: form of a value",
            "of_level: form of a value 1 of 2",
            "of_level: form of a value 2 of 2",
            "of_name: empty text",
            "of_org: form of a value",
            "of_region: empty text",
            "of_small: form of a value 1 of 2",
            "of_small: form of a value 2 of 2",
            "of_staff: empty setting",
            "of_staff: form of a value",
        ]
    );
    Ok(())
}

/// The drawn tests of a table whose policy reads an enumeration in the way that a text is read, and without a guard.
#[tokio::test]
async fn the_drawn_tests_know_what_is_no_variant() -> Outcome {
    let world = World::of(SOURCE, &[ROLE]).await?;
    let scope = proof_scope();
    let mut schema = crate::common::schema(SOURCE, Platform::Postgres)?;
    let proof = rls_tests(&schema, std::slice::from_ref(&scope));
    world.admin.batch_execute(&proof).await?;

    let name = QualifiedName::new("public", "elsewhere");
    let table = schema.tables.get_mut(&name).ok_or("no table")?;
    let Rls::Enabled(policies) = &mut table.rls else {
        return Err("no policies".into());
    };
    let bare = "region <> nullif((select current_setting('app.region', true)), '')";
    for policy in policies.values_mut() {
        policy.using = Some(Expr::new(bare, ["region"]));
    }
    let alter = format!("alter policy elsewhere on elsewhere using ({bare})");
    world.admin.batch_execute(&alter).await?;
    let proof = rls_tests(&schema, &[scope]);
    let noticed = world
        .admin
        .batch_execute(&proof)
        .await
        .expect_err("noticed");
    let said = noticed
        .as_db_error()
        .ok_or("no error of the server")?
        .message();
    let what =
        format!("public.elsewhere: what is declared for select by {ROLE}, scope of no such values");
    assert!(said.starts_with(&what), "{said}");
    world.admin.batch_execute("rollback").await?;
    world.close().await
}
