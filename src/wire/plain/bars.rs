//! Lists between broken bars, as Hayabusa writes the details of an event: `User: ann ¦ Host: web-1`.

use super::sink::Sink;

const BAR: char = '¦';

/// Whether the body is such a list.
pub(super) fn read<'a>(body: &'a str, sink: &mut Sink<'a>) -> bool {
    if !body.contains(BAR) {
        return false;
    }
    let pairs = || body.split(BAR).filter_map(|item| item.split_once(": "));
    if pairs().count() < 2 {
        return false;
    }
    for (name, value) in pairs() {
        sink.push(name.trim(), value.trim());
    }
    true
}
