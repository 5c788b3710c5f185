use tabellion::{Database, Error};

pub async fn ask(db: &Database) -> Result<Vec<(i64,)>, Error> {
    db.query_as("select count(*) from task", ()).fetch_all().await
}

fn main() {}
