//! Paths find what they name, within bounds.

use super::*;
use crate::wire::profile::found::VALUES_MAX;
use crate::wire::profile::path;

fn insert(trie: &mut Trie, raw: &str) -> Slot {
    trie.insert(&path::parse(raw).unwrap())
}

fn walk<'a>(trie: &Trie, json: &'a str, found: &mut Found<'a>) {
    let limits = crate::config::Limits {
        record_bytes_max: usize::MAX,
        depth_max: 32,
        observables_max: 0,
        entities_max: 0,
        string_bytes_max: usize::MAX,
        elements_max: usize::MAX,
    };
    trie.walk(crate::wire::scan::scan(json.as_bytes(), &limits).unwrap().root(), found).unwrap();
}

fn texts(trie: &Trie, slot: Slot, json: &str) -> Vec<String> {
    let mut found = Found::default();
    walk(trie, json, &mut found);
    found.sort();
    found.view(0).all(slot).map(|value| value.text().into_owned()).collect()
}

#[test]
fn only_mapped_values_are_found() {
    let mut trie = Trie::default();
    let [a, c, list] = ["a", "b.c", "b.list[].x"].map(|raw| insert(&mut trie, raw));
    assert_eq!(insert(&mut trie, "b.c"), c);
    let json = r#"{"z":{"a":9},"b":{"list":[{"x":1},{"y":2},{"x":"é\n"}],"c":[true,null,-2.5]},"a":"one","b.c":0}"#;
    assert_eq!(texts(&trie, a, json), ["one"]);
    assert_eq!(texts(&trie, c, json), ["true", "-2.5"]);
    assert_eq!(texts(&trie, list, json), ["1", "é\n"]);
}

#[test]
fn elements_are_chosen_by_what_they_hold() {
    let mut trie = Trie::default();
    let host = insert(&mut trie, "e[?kind=host|Server].name");
    let user = insert(&mut trie, "e[?kind=user].name");
    let any = insert(&mut trie, "e[].name");
    let json = r#"{"e":[{"name":"web","kind":"HOST"},{"kind":"user","name":"ann"},{"name":"db","kind":"server"}]}"#;
    assert_eq!(texts(&trie, host, json), ["web", "db"]);
    assert_eq!(texts(&trie, user, json), ["ann"]);
    assert_eq!(texts(&trie, any, json), ["web", "ann", "db"]);
    assert_eq!(texts(&trie, host, r#"{"e":{"name":"web","kind":"host"}}"#), ["web"]);
    assert!(texts(&trie, host, r#"{"e":["host",{"kind":{"x":1}},null]}"#).is_empty());
}

#[test]
fn strings_are_opened() {
    let mut trie = Trie::default();
    let name = insert(&mut trie, "s.@json[?t=1].name");
    let pair = insert(&mut trie, "s.@text.user");
    let any = insert(&mut trie, "m.*.x");
    assert_eq!(texts(&trie, name, r#"{"s":"[{\"name\":\"a\",\"t\":1},{\"name\":\"b\",\"t\":2}]"}"#), ["a"]);
    assert_eq!(texts(&trie, pair, r#"{"s":"id=7 user=ann host=web"}"#), ["ann"]);
    assert_eq!(texts(&trie, any, r#"{"m":{"a":{"x":1},"b":{"x":2}}}"#), ["1", "2"]);
    for hostile in [r#"{"s":"[{\"t\":1,"}"#, r#"{"s":"{\"a\":1,\"a\":2}"}"#] {
        assert!(texts(&trie, name, hostile).is_empty(), "{hostile}");
    }
}

#[test]
fn alerts_of_a_list_see_their_own_values_and_the_shared_ones() {
    let mut trie = Trie::default();
    let (shared, own) = (insert(&mut trie, "rule"), insert(&mut trie, "hits[].ip"));
    trie.split_at(&path::parse("hits").unwrap());
    let mut found = Found::default();
    walk(&trie, r#"{"hits":[{"ip":"a"},{"ip":"b"}],"rule":"r"}"#, &mut found);
    found.sort();
    assert_eq!(found.alerts(), 2);
    let seen = |alert, slot| found.view(alert).all(slot).map(|value| value.text().into_owned()).collect::<Vec<_>>();
    assert_eq!((seen(1, own), seen(2, own)), (vec!["a".to_owned()], vec!["b".to_owned()]));
    assert_eq!((seen(1, shared), seen(2, shared)), (vec!["r".to_owned()], vec!["r".to_owned()]));
}

#[test]
fn fields_are_reached_by_name_or_key_by_key() {
    let mut trie = Trie::default();
    let (quoted, dotted) = (insert(&mut trie, "\"cef.name\""), insert(&mut trie, "cef.vendor"));
    let mut found = Found::default();
    let fields = [("cef.name", "scan"), ("cef.vendor", "V"), ("x", "y")];
    trie.pick(&fields.map(|(name, value)| (Cow::Borrowed(name), Cow::Borrowed(value))), &mut found);
    found.sort();
    let text = |slot| found.view(0).all(slot).map(|value| value.text().into_owned()).collect::<Vec<_>>();
    assert_eq!((text(quoted), text(dotted)), (vec!["scan".to_owned()], vec!["V".to_owned()]));
}

#[test]
fn a_walk_keeps_a_bounded_number_of_values() {
    let mut trie = Trie::default();
    let slot = insert(&mut trie, "a");
    let json = format!("{{\"a\":[{}0]}}", "0,".repeat(5_000));
    let mut found = Found::default();
    walk(&trie, &json, &mut found);
    found.sort();
    assert!(found.cut && found.view(0).all(slot).count() == VALUES_MAX);
}
