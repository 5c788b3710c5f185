//! The schemas that are judged.
//!
//! Each form below is what somebody would write, once for each type that says whose a row is, on plain PostgreSQL
//! and, with claims, on Supabase.

use std::path::Path;

use tabellion_sql::schema::Platform;

/// A schema before the judges.
pub(crate) struct Schema {
    /// What findings call it.
    pub(crate) name: String,
    /// What makes it in an empty database.
    pub(crate) sql: String,
    /// The columns that say whose a row is, for the prover.
    pub(crate) identity: Vec<String>,
    /// Whether every table with row-level security has to be proven, whatever is allowed.
    pub(crate) is_proven: bool,
}

/// The reference application's first, then the corpus.
pub(crate) fn schemas() -> Result<Vec<Schema>, String> {
    let mut schemas = vec![hotdash()?];
    for (platform, prefix, types) in [
        (Platform::Postgres, "postgres", &SETTINGS[..]),
        (Platform::Supabase, "supabase", &CLAIMS[..]),
    ] {
        for (ty, source) in types {
            for (form, tables) in FORMS {
                let name = format!("{prefix}/{form}/{ty}");
                let source = format!("{SHARED} {source} {tables}").replace("TENANT", ty);
                let sql = crate::common::sql(&source, platform)
                    .map_err(|errors| format!("{name}: {errors}"))?;
                schemas.push(Schema {
                    name,
                    sql,
                    identity: ["tenant", "owner", "region"].map(String::from).to_vec(),
                    is_proven: false,
                });
            }
        }
    }
    Ok(schemas)
}

/// The sealed migrations of the reference application, one after the other.
fn hotdash() -> Result<Schema, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/hotdash/db");
    let sealed = tabellion::migrate::Migrations::load(&root).map_err(|error| error.to_string())?;
    let mut files: Vec<_> = std::fs::read_dir(root.join("migrations"))
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect())
        .map_err(|error| error.to_string())?;
    files.sort();
    if files.len() != sealed.iter().count() {
        return Err(
            "the reference application's folder holds other files than its lock".to_owned(),
        );
    }
    let texts: Result<Vec<String>, _> = files.iter().map(std::fs::read_to_string).collect();
    Ok(Schema {
        name: "hotdash".to_owned(),
        sql: texts.map_err(|error| error.to_string())?.concat(),
        identity: ["shop_domain", "user_id", "created_by", "user_email"]
            .map(String::from)
            .to_vec(),
        is_proven: true,
    })
}

const SHARED: &str = "
    #[derive(TextEnum)]
    enum Region { Eu, Us }
";

/// Types, and the scope whose field is one.
const SETTINGS: [(&str, &str); 7] = [
    ("String", SETTING),
    ("Uuid", SETTING),
    ("i16", SETTING),
    ("i32", SETTING),
    ("i64", SETTING),
    ("Date", SETTING),
    ("Region", SETTING),
];

const SETTING: &str = "
    #[derive(Scope)]
    #[scope(role = \"judged\")]
    struct Caller { #[setting(\"app.tenant\")] id: TENANT }

    #[derive(Scope)]
    #[scope(role = \"judged_operator\")]
    struct Operator { #[setting(\"app.region\")] region: String }
";

const CLAIMS: [(&str, &str); 3] = [("String", CLAIM), ("Uuid", SUBJECT), ("i64", CLAIM)];

const CLAIM: &str = "
    #[derive(Scope)]
    #[scope(role = \"authenticated\")]
    struct Caller { #[claim(\"app_metadata.tenant\")] id: TENANT }

    #[derive(Scope)]
    #[scope(role = \"judged_operator\", create)]
    struct Operator { #[setting(\"app.region\")] region: String }
";

const SUBJECT: &str = "
    #[derive(Scope)]
    #[scope(role = \"authenticated\")]
    struct Caller { #[claim(\"sub\")] id: TENANT }

    #[derive(Scope)]
    #[scope(role = \"judged_operator\", create)]
    struct Operator { #[setting(\"app.region\")] region: String }
";

/// What tables are made of, and their names.
const FORMS: [(&str, &str); 10] = [
    (
        "tenant",
        "#[derive(Table)]
         #[table(name = \"notes\", scope = Caller)]
         #[index(columns(tenant, created_at desc))]
         #[tenant(tenant = scope.id)]
         struct Note {
             #[column(primary_key, identity)] id: i64,
             tenant: TENANT,
             body: Option<String>,
             #[column(default = now())] created_at: Timestamp,
         }",
    ),
    (
        "guard",
        "#[derive(Table)]
         #[table(name = \"notes\", scope = Caller)]
         #[index(columns(tenant, id))]
         #[tenant(tenant = scope.id, restrictive)]
         #[policy(\"what is public\", select, using = public)]
         #[policy(\"whatever\", insert, check = true)]
         #[policy(\"what is not public\", update, using = !public, check = !public)]
         struct Note {
             #[column(primary_key, identity)] id: i64,
             tenant: TENANT,
             public: bool,
         }",
    ),
    (
        "commands",
        "#[derive(Table)]
         #[table(name = \"notes\", scope = Caller)]
         #[index(columns(tenant, id))]
         #[policy(\"read\", select, using = tenant == scope.id)]
         #[policy(\"write\", insert, check = tenant == scope.id && !archived)]
         #[policy(\"remove\", delete, using = tenant == scope.id && archived)]
         struct Note {
             #[column(primary_key, identity)] id: i64,
             tenant: TENANT,
             archived: bool,
         }",
    ),
    (
        "membership",
        "#[derive(Table)]
         #[table(name = \"members\", scope = Caller)]
         #[primary_key(columns(owner, shop))]
         #[policy(\"own\", select, using = owner == scope.id)]
         struct Member { owner: TENANT, shop: Uuid, active: bool }

         #[derive(Table)]
         #[table(name = \"orders\", scope = Caller)]
         #[index(columns(shop, id desc))]
         #[policy(\"members read\", select,
             using = exists(Member, |m| m.shop == shop && m.owner == scope.id && m.active == true))]
         #[policy(\"members write\", insert, check = exists(Member, |m| m.shop == shop && m.owner == scope.id))]
         struct Order { #[column(primary_key, identity)] id: i64, shop: Uuid, total: i64 }",
    ),
    (
        "lookup",
        "#[derive(Table)]
         #[table(name = \"members\", scope = Caller)]
         #[primary_key(columns(owner, shop))]
         #[index(columns(shop))]
         #[policy(\"one another\", select, using = exists(Member, |m| m.shop == shop && m.owner == scope.id))]
         #[policy(\"leave\", delete, using = owner == scope.id)]
         struct Member { owner: TENANT, shop: Uuid, active: bool }

         #[derive(Table)]
         #[table(name = \"orders\", scope = Caller)]
         #[index(columns(shop, id desc))]
         #[policy(\"members read\", select, using = exists(Member, |m| m.shop == shop && m.owner == scope.id))]
         struct Order { #[column(primary_key, identity)] id: i64, shop: Uuid, total: i64 }",
    ),
    (
        "operators",
        "#[derive(Table)]
         #[table(name = \"orders\", scope = Caller)]
         #[index(columns(tenant, id))]
         #[index(columns(region, id))]
         #[tenant(tenant = scope.id)]
         #[policy(\"operators see their region\", select, scope = Operator, using = region == scope.region)]
         struct Order { #[column(primary_key, identity)] id: i64, tenant: TENANT, region: String }",
    ),
    (
        "keys",
        "#[derive(Table)]
         #[table(name = \"customers\", scope = Caller)]
         #[primary_key(columns(tenant, id))]
         #[unique(columns(tenant, email))]
         #[tenant(tenant = scope.id)]
         struct Customer { tenant: TENANT, id: i64, email: String }

         #[derive(Table)]
         #[table(name = \"orders\", scope = Caller)]
         #[primary_key(columns(tenant, id))]
         #[index(columns(tenant, customer))]
         #[foreign_key(columns(tenant, customer), references = Customer(tenant, id), on_delete = cascade)]
         #[tenant(tenant = scope.id)]
         struct Order { tenant: TENANT, id: i64, customer: i64 }",
    ),
    (
        "partitions",
        "#[derive(Table)]
         #[table(name = \"events\", scope = Caller)]
         #[primary_key(columns(tenant, day, id))]
         #[partition_by(range(day))]
         #[partition(name = \"events_2026\", from(\"2026-01-01\"), to(\"2027-01-01\"))]
         #[partition(name = \"events_rest\", default)]
         #[tenant(tenant = scope.id)]
         struct Event { tenant: TENANT, day: Date, id: i64 }",
    ),
    (
        "columns",
        "#[derive(Table)]
         #[table(name = \"things\", scope = Caller)]
         #[index(columns(tenant, name), unique)]
         #[check(quantity >= 0)]
         #[tenant(tenant = scope.id)]
         struct Thing {
             #[column(primary_key, serial)] id: i64,
             tenant: TENANT,
             name: String,
             quantity: i32,
             #[column(default = Region::Eu)] place: Region,
             data: Option<Json>,
             #[column(updated_at)] changed: Timestamp,
         }

         #[derive(Table)]
         #[table(name = \"secrets\", scope = Caller)]
         #[policy(deny_all)]
         struct Secret { #[column(primary_key, identity)] id: i64, text: String }

         #[derive(Table)]
         #[table(name = \"countries\", scope = Caller)]
         #[no_rls(reason = \"known to everybody\", allow(select))]
         struct Country { #[column(primary_key)] code: String, name: String }",
    ),
    (
        "predicates",
        "#[derive(Table)]
         #[table(name = \"posts\", scope = Caller)]
         #[index(columns(tenant, id))]
         #[policy(\"read\", select, using = tenant == scope.id && (stage.is_in([\"draft\", \"open\"]) || due <= now()))]
         #[policy(\"write\", insert, check = tenant == scope.id && due.is_not_null())]
         #[policy(\"change\", update, using = tenant == scope.id && !(stage == \"closed\"),
             check = tenant == scope.id && stage != \"draft\")]
         struct Post {
             #[column(primary_key, identity)] id: i64,
             tenant: TENANT,
             stage: String,
             due: Option<Timestamp>,
         }",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schema_of_the_corpus_is_generated() {
        let schemas = schemas().expect("the structs are right");
        assert_eq!(
            schemas.len(),
            1 + (SETTINGS.len() + CLAIMS.len()) * FORMS.len()
        );
        for schema in schemas {
            assert!(schema.sql.contains("create table"), "{}", schema.name);
        }
    }
}
