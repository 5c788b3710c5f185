//! Every type that a column can have, plain, optional and in an array.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tabellion::{Date, DateTime, Decimal, Json, Table, Time, Timestamp, Uuid};
use tabellion_ui_tests::{Shop, TaskStatus};

/// What a `Json<T>` holds.
#[derive(Debug, Serialize, Deserialize)]
pub struct Size {
    /// In millimetres.
    pub width: u32,
}

/// Plain.
#[derive(Table)]
#[table(name = "every_type", scope = Shop)]
#[tenant(f_string = scope.domain)]
pub struct EveryType {
    /// Documented, as everything here.
    #[column(primary_key, serial)]
    pub f_i16: i16,
    /// boolean
    pub f_bool: bool,
    /// integer
    pub f_i32: i32,
    /// bigint
    pub f_i64: i64,
    /// real
    pub f_f32: f32,
    /// double precision
    pub f_f64: f64,
    /// text
    pub f_string: String,
    /// bytea
    pub f_bytes: Vec<u8>,
    /// numeric
    pub f_decimal: Decimal,
    /// numeric(12, 2)
    #[column(numeric(12, 2), default = -0.50)]
    pub f_money: Decimal,
    /// uuid
    #[column(default = gen_random_uuid())]
    pub f_uuid: Uuid,
    /// jsonb
    pub f_json: Json,
    /// jsonb
    pub f_typed_json: Json<BTreeMap<String, Size>>,
    /// jsonb
    pub f_value: serde_json::Value,
    /// timestamptz
    #[column(default = now())]
    pub f_timestamp: Timestamp,
    /// timestamp
    pub f_datetime: DateTime,
    /// date
    pub f_date: Date,
    /// time
    pub f_time: Time,
    /// timestamptz, of the crate `time`
    pub time_offset: time::OffsetDateTime,
    /// timestamp, of the crate `time`
    pub time_primitive: time::PrimitiveDateTime,
    /// date, of the crate `time`
    pub time_date: time::Date,
    /// time, of the crate `time`
    pub time_time: time::Time,
    /// timestamptz, of the crate `chrono`
    pub chrono_utc: chrono::DateTime<chrono::Utc>,
    /// timestamp, of the crate `chrono`
    pub chrono_naive: chrono::NaiveDateTime,
    /// date, of the crate `chrono`
    pub chrono_date: chrono::NaiveDate,
    /// time, of the crate `chrono`
    pub chrono_time: chrono::NaiveTime,
    /// text and a CHECK
    #[column(default = TaskStatus::Draft)]
    pub f_enum: TaskStatus,
    /// varchar(20)
    #[column(type = "varchar(20)", default = "x")]
    pub f_stated: String,
}

/// Optional.
#[derive(Table)]
#[table(name = "every_optional_type", scope = Shop)]
#[tenant(f_string = scope.domain)]
pub struct EveryOptionalType {
    /// boolean
    #[column(default = true)]
    pub f_bool: Option<bool>,
    /// smallint
    #[column(default = -32_768)]
    pub f_i16: Option<i16>,
    /// integer
    #[column(default = 0xff)]
    pub f_i32: Option<i32>,
    /// bigint
    #[column(default = 9_223_372_036_854_775_807)]
    pub f_i64: Option<i64>,
    /// real
    #[column(default = 1.5)]
    pub f_f32: Option<f32>,
    /// double precision
    #[column(default = 1)]
    pub f_f64: Option<f64>,
    /// text
    #[column(default = "it's")]
    pub f_string: Option<String>,
    /// bytea
    pub f_bytes: Option<Vec<u8>>,
    /// numeric
    #[column(numeric(5, 2), default = 999.99)]
    pub f_decimal: Option<Decimal>,
    /// uuid
    pub f_uuid: Option<Uuid>,
    /// jsonb
    #[column(default = sql("'{}'::jsonb"))]
    pub f_json: Option<Json>,
    /// jsonb
    pub f_typed_json: Option<Json<Size>>,
    /// timestamptz
    pub f_timestamp: Option<Timestamp>,
    /// timestamp
    pub f_datetime: Option<DateTime>,
    /// date
    #[column(default = now())]
    pub f_date: Option<Date>,
    /// time
    pub f_time: Option<Time>,
    /// text and a CHECK
    pub f_enum: Option<TaskStatus>,
    /// varchar(20)
    #[column(type = "varchar(20)")]
    pub f_stated: Option<String>,
}

/// In arrays.
#[derive(Table)]
#[table(name = "every_array", scope = Shop)]
#[policy(deny_all)]
pub struct EveryArray {
    /// boolean[]
    pub f_bool: Vec<bool>,
    /// smallint[]
    pub f_i16: Vec<i16>,
    /// integer[]
    pub f_i32: Vec<i32>,
    /// bigint[]
    pub f_i64: Option<Vec<i64>>,
    /// real[]
    pub f_f32: Vec<f32>,
    /// double precision[]
    pub f_f64: Vec<f64>,
    /// text[]
    #[column(default = sql("'{}'"))]
    pub f_string: Vec<String>,
    /// bytea[]
    pub f_bytes: Vec<Vec<u8>>,
    /// numeric[]
    pub f_decimal: Vec<Decimal>,
    /// uuid[]
    pub f_uuid: Option<Vec<Uuid>>,
    /// jsonb[]
    pub f_json: Vec<Json>,
    /// jsonb[]
    pub f_typed_json: Vec<Json<Size>>,
    /// timestamptz[]
    pub f_timestamp: Vec<Timestamp>,
    /// timestamp[]
    pub f_datetime: Vec<DateTime>,
    /// date[]
    pub f_date: Vec<Date>,
    /// time[]
    pub f_time: Option<Vec<Time>>,
    /// text[] and a CHECK
    pub f_enum: Vec<TaskStatus>,
    /// text[] and a CHECK
    pub f_optional_enum: Option<Vec<TaskStatus>>,
}
