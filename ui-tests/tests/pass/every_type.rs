//! Every type that a column can have, plain, optional and in an array.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use tabellion::{
    Date, DateTime, Decimal, Interval, IpCidr, IpInet, IpNet, Json, MacAddr, Range, Table, Time,
    Timestamp, Tsvector, Uuid, Vector,
};
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
    #[column(varchar(20), default = "x")]
    pub f_varchar: String,
    /// varchar
    #[column(varchar)]
    pub f_varchar_of_any_length: String,
    /// char(2)
    #[column(char(2), default = "CH", collate = "C")]
    pub f_char: String,
    /// citext
    #[column(type = "citext", default = "x")]
    pub f_stated: String,
    /// timestamptz(3)
    #[column(precision(3), default = now())]
    pub f_millis: Timestamp,
    /// interval
    #[column(default = sql("'1 day'"))]
    pub f_interval: Interval,
    /// interval(3)
    #[column(type = "interval(3)")]
    pub f_millis_of_interval: Interval,
    /// numeric in thousands
    #[column(type = "numeric(5, -3)")]
    pub f_thousands: Decimal,
    /// inet
    pub f_address: IpAddr,
    /// inet
    pub f_inet: IpInet,
    /// inet, of the crate `ipnet`
    pub f_ipnet: IpNet,
    /// cidr
    pub f_cidr: IpCidr,
    /// macaddr
    pub f_macaddr: MacAddr,
    /// int4range
    pub f_int4range: Range<i32>,
    /// int8range
    pub f_int8range: Range<i64>,
    /// numrange
    pub f_numrange: Range<Decimal>,
    /// daterange
    pub f_daterange: Range<Date>,
    /// tsrange
    pub f_tsrange: Range<DateTime>,
    /// tstzrange
    pub f_tstzrange: Range<Timestamp>,
    /// tstzrange, of the crate `chrono`
    pub chrono_tstzrange: Range<chrono::DateTime<chrono::Utc>>,
    /// daterange, of the crate `time`
    pub time_daterange: Range<time::Date>,
    /// vector(3)
    #[column(vector(3))]
    pub f_vector: Vector,
    /// vector of any dimensions
    pub f_any_vector: Vector,
    /// tsvector
    #[column(generated = sql("to_tsvector('english', f_string)"))]
    pub f_tsvector: Tsvector,
    /// numeric(12, 2), generated
    #[column(numeric(12, 2), generated = sql("f_money * f_i32"))]
    pub f_total: Decimal,
    /// timestamptz, kept by a trigger
    #[column(updated_at)]
    pub f_updated_at: Timestamp,
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
    #[column(varchar(20))]
    pub f_varchar: Option<String>,
    /// citext
    #[column(type = "citext")]
    pub f_stated: Option<String>,
    /// interval
    pub f_interval: Option<Interval>,
    /// inet
    pub f_address: Option<IpAddr>,
    /// cidr
    pub f_cidr: Option<IpCidr>,
    /// macaddr
    pub f_macaddr: Option<MacAddr>,
    /// tstzrange
    pub f_tstzrange: Option<Range<Timestamp>>,
    /// vector(3)
    #[column(vector(3))]
    pub f_vector: Option<Vector>,
    /// tsvector, made by a trigger of one's own
    pub f_tsvector: Option<Tsvector>,
    /// text, generated
    #[column(generated = sql("lower(f_string)"))]
    pub f_lower: Option<String>,
    /// timestamp, kept by a trigger
    #[column(updated_at)]
    pub f_updated_at: Option<DateTime>,
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
    /// varchar(5)[]
    #[column(varchar(5), collate = "C")]
    pub f_varchar: Vec<String>,
    /// numeric(5, 2)[]
    #[column(numeric(5, 2))]
    pub f_money: Vec<Decimal>,
    /// interval[]
    pub f_interval: Vec<Interval>,
    /// inet[]
    pub f_address: Vec<IpAddr>,
    /// inet[], of the crate `ipnet`
    pub f_ipnet: Vec<IpNet>,
    /// cidr[]
    pub f_cidr: Option<Vec<IpCidr>>,
    /// macaddr[]
    pub f_macaddr: Vec<MacAddr>,
    /// int4range[]
    pub f_int4range: Vec<Range<i32>>,
    /// vector(3)[]
    #[column(vector(3))]
    pub f_vector: Vec<Vector>,
    /// tsvector[]
    pub f_tsvector: Option<Vec<Tsvector>>,
}
