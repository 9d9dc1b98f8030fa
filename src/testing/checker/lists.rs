//! Counted lists in order of first appearance: what a part gathers, and what parts add up to.

use serde_json::{Value, json};

use super::canonical;

/// A part tracks so many distinct values per list; later ones are counted with their alerts only.
const TRACKED_MAX: usize = 128;
/// Outputs show so many items of a list.
const SHOWN_MAX: usize = 100;
/// A list whose next item would bring it past this may end before it.
const LIST_BYTES_MAX: usize = 22 * 1024;

#[derive(Clone, Debug, Default)]
pub(super) struct Tracked(Vec<(Value, u64)>);

impl Tracked {
    pub(super) fn count(&mut self, value: Value) {
        if let Some(known) = self.0.iter_mut().find(|known| known.0 == value) {
            known.1 += 1;
        } else if self.0.len() < TRACKED_MAX {
            self.0.push((value, 1));
        }
    }

    /// Takes a value in that is not there yet, and counts nothing twice.
    pub(super) fn know(&mut self, value: Value) {
        if self.0.iter().all(|known| known.0 != value) && self.0.len() < TRACKED_MAX {
            self.0.push((value, 1));
        }
    }
}

/// The items of a view's list: the values' own members, and `count`.
pub(super) fn union<'a>(lists: impl Iterator<Item = &'a Tracked>) -> Vec<Value> {
    let mut union: Vec<(Value, u64)> = Vec::new();
    for (value, count) in lists.flat_map(|list| &list.0) {
        match union.iter_mut().find(|known| known.0 == *value) {
            Some(known) => known.1 += count,
            None => union.push((value.clone(), *count)),
        }
    }
    let counted = |(mut value, count): (Value, u64)| {
        value["count"] = json!(count);
        value
    };
    union.into_iter().map(counted).collect()
}

/// Why `view` does not show `expected` as its list `name`, bounded as lists are.
pub(super) fn compare(view: &Value, name: &str, expected: &[Value]) -> Result<(), (String, String)> {
    let total = &view[format!("{name}_total")];
    if *total != json!(expected.len()) {
        return Err((format!("{} in all", expected.len()), format!("{total} in all")));
    }
    let Some(shown) = view[name].as_array() else {
        return Err(("a list".to_owned(), view[name].to_string()));
    };
    let due = &expected[..expected.len().min(SHOWN_MAX)];
    if due == &shown[..] || (due.starts_with(shown) && is_full(&due[..=shown.len()])) {
        return Ok(());
    }
    Err((Value::from(due).to_string(), view[name].to_string()))
}

fn is_full(items: &[Value]) -> bool {
    canonical(&Value::from(items)).is_some_and(|bytes| bytes.len() - "[]".len() > LIST_BYTES_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_counted_in_order_of_appearance() {
        let (mut one, mut two) = (Tracked::default(), Tracked::default());
        ["b", "a", "b"].iter().for_each(|id| one.count(json!({ "id": id })));
        two.count(json!({ "id": "a" }));
        two.know(json!({ "id": "c" }));
        two.know(json!({ "id": "c" }));
        let expected =
            vec![json!({ "id": "b", "count": 2 }), json!({ "id": "a", "count": 2 }), json!({ "id": "c", "count": 1 })];
        assert_eq!(union([&one, &two].into_iter()), expected);
    }

    #[test]
    fn a_list_may_be_cut_at_its_bounds_only() {
        let items: Vec<Value> = (0..150).map(|number| json!({ "id": number })).collect();
        let view = |shown: usize, total: usize| json!({ "x": items[..shown], "x_total": total });
        assert!(compare(&view(100, 150), "x", &items).is_ok());
        assert!(compare(&view(99, 150), "x", &items).is_err());
        assert!(compare(&view(100, 149), "x", &items).is_err());
        assert!(compare(&json!({ "x": items[1..101], "x_total": 150 }), "x", &items).is_err());
    }
}
