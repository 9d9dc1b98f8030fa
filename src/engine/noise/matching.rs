//! Whether a matcher speaks of an alert. What names a thing is looked for among the keys that alerts are correlated by,
//! so a host, an account or an address is one thing here, however a product writes it.

use crate::model::{Alert, Field, Key, KeyKind, Matcher, ObservableKind, Op, Pattern, Term};

pub fn fits(matcher: &Matcher, alert: &Alert, keys: &[Key]) -> bool {
    matcher.terms().iter().all(|term| match term.op {
        Op::Is => has(term, alert, keys),
        Op::IsNot => !has(term, alert, keys),
        Op::AtLeast => term.values.iter().any(|value| match value {
            Pattern::Severity(least) => alert.severity >= *least,
            Pattern::Text(_) | Pattern::Prefix(_) | Pattern::Net(_) => false,
        }),
    })
}

/// Whether the matcher names this key.
pub fn names(matcher: &Matcher, key: &Key) -> bool {
    let of_key = |term: &&Term| match term.field {
        Field::Key(kind) => kind == key.kind,
        Field::Ip => is_address(key.kind),
        Field::Rule | Field::Product | Field::Title | Field::Severity => false,
    };
    let terms = matcher.terms().iter().filter(|term| term.op == Op::Is);
    terms.filter(of_key).any(|term| means(term, &key.value))
}

fn has(term: &Term, alert: &Alert, keys: &[Key]) -> bool {
    let of_kind = |wanted: &dyn Fn(KeyKind) -> bool| keys.iter().any(|key| wanted(key.kind) && means(term, &key.value));
    match term.field {
        Field::Rule => means(term, &alert.rule.uid) || means(term, &alert.rule.name),
        Field::Product => means(term, &alert.source.product),
        Field::Title => means(term, &alert.title),
        Field::Severity => means(term, alert.severity.label()),
        // Also those that link nothing, such as loopback addresses.
        Field::Ip => {
            let addresses = alert.observables.iter().filter(|seen| seen.kind == ObservableKind::Ip);
            of_kind(&is_address) || addresses.into_iter().any(|seen| means(term, &seen.value))
        }
        Field::Key(wanted) => of_kind(&|kind| kind == wanted),
    }
}

fn means(term: &Term, value: &str) -> bool {
    term.values.iter().any(|pattern| pattern.fits(value))
}

const fn is_address(kind: KeyKind) -> bool {
    matches!(kind, KeyKind::PrivateIp | KeyKind::PublicIp)
}
