//! What the benches against a real broker share: the broker of the tests, the daemon as a process of its own, the load
//! on a topic, and what can be seen of a process from outside.

#[path = "../../tests/it/broker.rs"]
pub mod broker;
pub mod daemon;
pub mod load;
pub mod metrics;
pub mod process;

/// The middle one; of an even number the lower middle.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len().saturating_sub(1) / 2).copied().unwrap_or(0.0)
}

/// `12,345`, for reading.
pub fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// The value behind `--name` on the command line, or its default. Cargo's own `--bench` is passed over.
pub fn option(name: &str, default: u64) -> u64 {
    let mut args = std::env::args().skip_while(|arg| arg != name);
    match (args.next(), args.next()) {
        (None, _) => default,
        (Some(_), value) => {
            let number = value.as_deref().and_then(|value| value.parse().ok());
            number.unwrap_or_else(|| panic!("{name} takes a number, not {value:?}"))
        }
    }
}
