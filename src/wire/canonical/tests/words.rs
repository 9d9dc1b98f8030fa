//! Text itself: placeholders, controls, defanging.

use super::*;

#[test]
fn no_kind_takes_a_placeholder() {
    for word in text::PLACEHOLDERS {
        for spelling in [word.to_owned(), word.to_uppercase(), format!(" {word} ")] {
            assert!(text::is_placeholder(&spelling), "{spelling:?}");
            for kind in ObservableKind::ALL {
                assert_eq!(observable(kind, &spelling), None, "{} {spelling:?}", kind.label());
            }
            for kind in EntityKind::ALL {
                assert_eq!(entity(kind, &spelling, None), None, "{} {spelling:?}", kind.label());
            }
        }
    }
    for word in ["", " ", "\t"] {
        assert!(text::is_placeholder(word));
    }
    for word in ["na", "nancy", "nobody", "unknown-host", "-x", "none of it", "0"] {
        assert!(!text::is_placeholder(word), "{word}");
    }
}

#[test]
fn text_is_cut_between_characters() {
    assert_eq!(text::prefix("äöü", 3), "ä");
    assert_eq!(text::neutral("a\u{9b}b\u{0}\u{2066}"), "a\u{FFFD}b\u{FFFD}\u{FFFD}");
    assert_eq!(text::neutral_lines("a\r\nb\tc\u{7}"), "a\nb\tc\u{FFFD}");
}

#[test]
fn defanged_text_is_read_as_meant() {
    for (raw, wanted) in [
        ("hxxp://a[.]b", "http://a.b"),
        ("HXXPS://a.b", "httpS://a.b"),
        ("h**ps://a.b", "https://a.b"),
        ("hxtp://a.b", "http://a.b"),
        ("a(.)b{.}c[dot]d(DOT)e{dot}f", "a.b.c.d.e.f"),
        ("a[at]b(@)c{at}d", "a@b@c@d"),
        ("http[:]//a", "http://a"),
        ("http[://]a", "http://a"),
        ("a[/]b", "a/b"),
        ("[::1]", "[::1]"),
        ("f(x)[0]", "f(x)[0]"),
        ("[", "["),
        ("a[.", "a[."),
        ("hxxpress.example", "hxxpress.example"),
        ("[é]", "[é]"),
    ] {
        assert_eq!(text::refanged(raw), wanted, "{raw}");
    }
}
