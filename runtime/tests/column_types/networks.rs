//! Addresses, networks, intervals.

use std::net::IpAddr;

use tabellion::{Interval, IpCidr, IpInet, IpNet, MacAddr, Table};

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
  net inet,
  nets inet[] not null,
  lost inet,
  losses inet[]
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
    net: Option<IpNet>,
    nets: Vec<IpNet>,
    lost: Option<IpAddr>,
    losses: Option<Vec<IpAddr>>,
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
        nets: vec!["10.1.2.3/16".parse()?, "2001:db8::/32".parse()?],
    })
    .set(Sample::NET, "10.1.2.3/8".parse::<IpNet>()?)
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
        ("net", "10.1.2.3/8"),
        ("nets", "{10.1.2.3/16,2001:db8::/32}"),
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
    assert_eq!(row.net, Some("10.1.2.3/8".parse::<IpNet>()?));
    let nets = ["10.1.2.3/16".parse::<IpNet>()?, "2001:db8::/32".parse()?];
    assert_eq!(row.nets, nets);
    assert_eq!(row.lost, None);
    assert_eq!(row.losses, None);

    // An address alone must not stand for a whole network.
    for (sql, expected) in [
        (
            "update samples set losses = array['10.1.0.0/16'::inet]",
            "column `losses` of `samples` holds a `_inet` that does not fit a `Option<Vec<IpAddr>>`",
        ),
        (
            "update samples set lost = '10.1.0.0/16'",
            "column `lost` of `samples` holds a `inet` that does not fit a `Option<IpAddr>`",
        ),
    ] {
        fixture.admin.batch_execute(sql).await?;
        let Err(error) = Sample::find(1).fetch_one(&fixture.acme).await else {
            panic!("the prefix was lost");
        };
        assert_eq!(error.to_string(), expected);
    }
    Ok(())
}
