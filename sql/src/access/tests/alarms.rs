//! What looked like an open door, and is none.

use super::told;

/// What is said: whether it widens, and whether it narrows.
fn said(old: &str, new: &str) -> Option<(bool, bool)> {
    told(old, new).map(|(wider, narrower)| (wider.is_some(), narrower.is_some()))
}

fn member(of: &str) -> String {
    format!("shop = any (array(select m.shop from members m where {of}))")
}

#[test]
fn a_narrower_membership_is_false_wherever_the_wider_one_is() {
    let (few, all) = (member("m.level = 1 and m.active"), member("m.level = 1"));
    assert_eq!(said(&all, &few), Some((false, true)));
    assert_eq!(
        said(&format!("not ({few})"), &format!("not ({all})")),
        Some((false, true))
    );
    assert_eq!(
        said(&format!("not ({all})"), &format!("not ({few})")),
        Some((true, false))
    );
}
