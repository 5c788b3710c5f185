//! What schema data cannot say is listed, and nothing that it can say is.

use super::{fresh, read, run};

#[tokio::test]
async fn what_cannot_be_said_is_listed() {
    let (_database, client) = fresh().await;
    run(&client, include_str!("unsupported.sql")).await;
    let found = read(&client, &["odd"]).await.unsupported;
    let expected: Vec<&str> = include_str!("unsupported.txt").lines().collect();
    assert_eq!(found, expected, "\n{}", found.join("\n"));
}
