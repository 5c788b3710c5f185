//! Types of extensions. Not every server has the extensions, so that types of their names stand in for
//! them; their binary forms are what the crates write.

use tabellion::{Table, Vector};

use crate::fixture::{Fixture, Outcome, Shop};

const SQL: &str = "
create type vector;
create function vector_in(cstring) returns vector language internal immutable strict as 'byteain';
create function vector_out(vector) returns cstring language internal immutable strict as 'byteaout';
create function vector_recv(internal) returns vector language internal immutable strict as 'bytearecv';
create function vector_send(vector) returns bytea language internal immutable strict as 'byteasend';
create type vector (input = vector_in, output = vector_out, receive = vector_recv, send = vector_send);
create type citext;
create function citext_in(cstring) returns citext language internal immutable strict as 'textin';
create function citext_out(citext) returns cstring language internal immutable strict as 'textout';
create function citext_recv(internal) returns citext language internal immutable strict as 'textrecv';
create function citext_send(citext) returns bytea language internal immutable strict as 'textsend';
create type citext (input = citext_in, output = citext_out, receive = citext_recv, send = citext_send);
create table samples (
  id int primary key,
  embedding vector not null,
  missing vector,
  embeddings vector[] not null,
  email citext not null
);
";

#[derive(Debug, Table)]
#[table(name = "samples", scope = Shop)]
#[no_rls(reason = "a test of types", allow(select, insert))]
struct Sample {
    #[column(primary_key)]
    id: i32,
    #[column(vector(3))]
    embedding: Vector,
    #[column(vector(3))]
    missing: Option<Vector>,
    #[column(vector(3))]
    embeddings: Vec<Vector>,
    #[column(type = "citext")]
    email: String,
}

#[tokio::test]
async fn types_of_extensions_survive() -> Outcome {
    let fixture = Fixture::new(SQL).await?;
    let embedding = Vector::from(vec![1.0, -0.5, 0.25]);
    let row = Sample::insert(NewSample {
        id: 1,
        embedding: embedding.clone(),
        embeddings: vec![embedding.clone(), embedding.clone()],
        email: "A@example.com".into(),
    })
    .fetch_one(&fixture.acme)
    .await?;
    assert_eq!(row.id, 1);
    assert_eq!(row.embedding, embedding);
    assert_eq!(row.missing, None);
    assert_eq!(row.embeddings, [embedding.clone(), embedding]);
    assert_eq!(row.email, "A@example.com");
    // Three dimensions, two bytes that say nothing, three numbers.
    let bytes = "\\x000300003f800000bf0000003e800000";
    assert_eq!(fixture.shown("vector_out(embedding)").await?, bytes);
    Ok(())
}
