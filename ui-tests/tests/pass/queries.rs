//! Every kind of query that policies allow.

use tabellion::{Database, Error, Scoped, Table, Timestamp};
use tabellion_ui_tests::{Shop, TaskStatus};

/// All four commands.
#[derive(Table)]
#[table(scope = Shop)]
#[tenant(shop = scope.domain)]
#[index(columns(shop, status, due desc))]
#[index(columns(note), finder = "noted")]
pub struct Task {
    /// Counted.
    #[column(primary_key, identity)]
    pub id: i64,
    /// The tenant.
    pub shop: String,
    /// An enumeration in an index.
    #[column(default = TaskStatus::Draft)]
    pub status: TaskStatus,
    /// A time in an index.
    pub due: Option<Timestamp>,
    /// An optional column in an index.
    pub note: Option<String>,
}

/// One command alone.
#[derive(Table)]
#[table(scope = Shop)]
#[policy("writes", insert, check = shop == scope.domain)]
#[index(columns(shop))]
pub struct Log {
    /// The tenant.
    pub shop: String,
}

/// Everything at once.
///
/// # Errors
/// Whatever the database says.
pub async fn ask(db: &Database, due: Timestamp) -> Result<Vec<Task>, Error> {
    let shop: Scoped<Shop> = db.scope(Shop {
        domain: "acme".into(),
    });
    let new = NewTask {
        shop: "acme".into(),
    };
    let task = Task::insert(new)
        .set(Task::STATUS, TaskStatus::Sent)
        .set(Task::DUE, due)
        .set(Task::NOTE, "a note")
        .fetch_one(&shop)
        .await?;
    Task::update(task.id)
        .set(Task::NOTE, None)
        .execute(&shop)
        .await?;
    Task::find(task.id).fetch_optional(&shop).await?;
    Task::noted("a note").reverse().fetch_one(&shop).await?;
    Task::delete(task.id).execute(&shop).await?;
    Log::insert(NewLog {
        shop: "acme".into(),
    })
    .execute(&shop)
    .await?;
    Task::by_shop_status_due("acme")
        .eq(TaskStatus::Draft)
        .eq(due)
        .limit(3)
        .fetch_all(&shop)
        .await
}

/// What raw SQL is read as.
#[derive(Debug, tabellion::FromRow)]
pub struct Load {
    /// Whose names may be words of Rust, and others than the columns'.
    pub r#type: TaskStatus,
    /// Another name.
    #[column(name = "Number of \"tasks\"")]
    pub tasks: i64,
    /// All that columns can be.
    pub tags: Option<Vec<String>>,
}

/// Raw SQL, whose future may be sent to another thread.
///
/// # Errors
/// Whatever the database says.
pub async fn raw(shop: Scoped<Shop>, text: String) -> Result<Vec<Load>, Error> {
    let (id, absent) = (7_i64, None::<&str>);
    shop.execute("delete from log where id = $1 and note = $2", (id, &text))
        .await?;
    shop.query_as::<Task>("table task", ())
        .fetch_optional()
        .await?;
    let _stream = shop
        .query_as::<(i64, Option<String>)>("select $1, $2", (id, absent))
        .stream()
        .await?;
    shop.query_as("select", (TaskStatus::Draft, text, vec![1_i32], "text"))
        .fetch_all()
        .await
}

/// Queries may be awaited together, and sent to another thread.
///
/// # Errors
/// Whatever the database says.
pub async fn together(shop: Scoped<Shop>) -> Result<(), Error> {
    fn is_send<T: Send>(it: T) -> T {
        it
    }
    let (a, b) = (Task::find(1), Task::by_shop_status_due("acme"));
    let both =
        async { Ok::<_, Error>((a.fetch_one(&shop).await?, b.fetch_optional(&shop).await?)) };
    is_send(both).await?;
    Ok(())
}
