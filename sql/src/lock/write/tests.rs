use std::collections::BTreeMap;

use super::*;

#[derive(Serialize)]
enum Kind {
    Unit,
    New(u8),
    Tuple(u8, char),
    Struct { b: bool, a: Option<u8> },
}

fn lines(value: &impl Serialize) -> Vec<String> {
    let text = facts(String::new(), "", value).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn every_shape_reads_as_json_has_it() {
    let kinds = || {
        vec![
            Kind::Unit,
            Kind::New(1),
            Kind::Tuple(2, 'c'),
            Kind::Struct { b: true, a: None },
        ]
    };
    let of_kinds = r#"["Unit",{"New":1},{"Tuple":[2,"c"]},{"Struct":{"a":null,"b":true}}]"#;
    assert_eq!(
        lines(&BTreeMap::from([("k", kinds())])),
        [format!("k = {of_kinds}")]
    );
    let [unit, new, tuple, record] = kinds().try_into().ok().unwrap();
    assert_eq!(
        lines(&BTreeMap::from([
            ("z", unit),
            ("y", new),
            ("x", tuple),
            ("w", record)
        ])),
        [
            "w.Struct.a = null",
            "w.Struct.b = true",
            "x.Tuple = [2,\"c\"]",
            "y.New = 1",
            "z = \"Unit\"",
        ]
    );
    assert_eq!(
        lines(&BTreeMap::from([(2, 1.5), (10, 0.0)])),
        ["10 = 0.0", "2 = 1.5"]
    );
    assert_eq!(lines(&BTreeMap::<u8, u8>::new()), [" = {}"]);
    assert!(facts(String::new(), "", &BTreeMap::from([([1], 1)])).is_err());
}

#[test]
fn lines_are_sorted_by_path_whatever_the_order_of_the_data() {
    let inner = || BTreeMap::from([("b", 1), ("a", 2)]);
    let map: BTreeMap<&str, _> = ["a", "a_b", "ab", "a b", "a!", "\u{e4}", "", "A", "a\"", "0"]
        .into_iter()
        .map(|key| (key, inner()))
        .collect();
    let text = facts("head\n".into(), "p", &map).unwrap();
    let lines: Vec<&str> = text.lines().skip(1).collect();
    let paths: Vec<_> = lines.iter().map(|line| line.split(" = ").next()).collect();
    assert_eq!(lines.len(), 20);
    assert!(paths.is_sorted(), "{text}");
    assert_eq!(lines[0], "p.\"\".a = 2");
}
