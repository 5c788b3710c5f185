//! Addresses, networks, intervals.

use std::net::IpAddr;

use tabellion::{Interval, IpCidr, IpInet, MacAddr, Table};

use crate::fixture::{Fixture, Outcome, Shop};

const SQL: &str = "create table samples (
  id int primary key,
  span interval not null,
  spans interval[] not null,
  address inet not null,
  addresses inet[],
  host inet not null,
  network cidr not null,
  networks cidr[] not null,
  device macaddr not null,
  devices macaddr[] not null,
  lost inet
)";

#[derive(Debug, Table)]
#[table(name = "samples", scope = Shop)]
#[no_rls(reason = "a test of types", allow(select, insert, update))]
struct Sample {
    #[column(primary_key)]
    id: i32,
    span: Interval,
    spans: Vec<Interval>,
    address: IpAddr,
    addresses: Option<Vec<IpAddr>>,
    host: IpInet,
    network: IpCidr,
    networks: Vec<IpCidr>,
    device: MacAddr,
    devices: Vec<MacAddr>,
    lost: Option<IpAddr>,
}

#[tokio::test]
async fn addresses_and_intervals_survive() -> Outcome {
    let fixture = Fixture::new(SQL).await?;
    let span = Interval {
        months: 14,
        days: -3,
        microseconds: 3_600_000_001,
    };
    let device = MacAddr([0x08, 0x00, 0x2b, 0x01, 0x02, 0xff]);
    Sample::insert(NewSample {
        id: 1,
        span,
        spans: vec![Interval::default(), span],
        address: "2001:db8::1".parse()?,
        host: "10.1.2.3/16".parse()?,
        network: "10.1.0.0/16".parse()?,
        networks: vec!["2001:db8::/32".parse()?],
        device,
        devices: vec![device, MacAddr::default()],
    })
    .set(Sample::ADDRESSES, vec!["10.1.2.3".parse::<IpAddr>()?])
    .execute(&fixture.acme)
    .await?;

    for (column, text) in [
        ("span", "1 year 2 mons -3 days +01:00:00.000001"),
        ("spans[1]", "00:00:00"),
        ("address", "2001:db8::1/128"),
        ("addresses[1]", "10.1.2.3/32"),
        ("host", "10.1.2.3/16"),
        ("network", "10.1.0.0/16"),
        ("networks[1]", "2001:db8::/32"),
        ("device", "08:00:2b:01:02:ff"),
        ("devices[2]", "00:00:00:00:00:00"),
    ] {
        assert_eq!(fixture.shown(column).await?, text, "{column}");
    }

    let row = Sample::find(1).fetch_one(&fixture.acme).await?;
    assert_eq!(row.id, 1);
    assert_eq!(row.span, span);
    assert_eq!(row.spans, [Interval::default(), span]);
    assert_eq!(row.address, "2001:db8::1".parse::<IpAddr>()?);
    assert_eq!(row.addresses, Some(vec!["10.1.2.3".parse::<IpAddr>()?]));
    assert_eq!(row.host, "10.1.2.3/16".parse::<IpInet>()?);
    assert_eq!(row.network, "10.1.0.0/16".parse::<IpCidr>()?);
    assert_eq!(row.networks, ["2001:db8::/32".parse::<IpCidr>()?]);
    assert_eq!(row.device, device);
    assert_eq!(row.devices, [device, MacAddr::default()]);
    assert_eq!(row.lost, None);

    // An address alone must not stand for a whole network.
    let network = "update samples set lost = '10.1.0.0/16'";
    fixture.admin.batch_execute(network).await?;
    let Err(error) = Sample::find(1).fetch_one(&fixture.acme).await else {
        panic!("the prefix was lost");
    };
    assert_eq!(
        error.to_string(),
        "column `lost` of `samples` holds a `inet` that does not fit a `Option<IpAddr>`"
    );
    Ok(())
}
