//! Columns for a terminal: texts to the left, numbers to the right.

use super::target::{Measure, Target};

pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new(header: &[&str]) -> Self {
        Self { rows: vec![header.iter().map(|&name| name.to_owned()).collect()] }
    }

    pub fn add(&mut self, row: Vec<String>) {
        self.rows.push(row);
    }

    pub fn print(&self) {
        let columns = self.rows[0].len();
        let width = |place: usize| self.rows.iter().map(|row| row[place].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for row in &self.rows {
            let mut line = String::new();
            for (place, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let left = place == 0 || place + 1 == columns || self.is_text(place);
                line += &if left { format!("{cell:<width$}  ") } else { format!("{cell:>width$}  ") };
            }
            println!("{}", line.trim_end());
        }
    }

    fn is_text(&self, place: usize) -> bool {
        let number =
            |cell: &str| cell.is_empty() || cell.starts_with(|first: char| first.is_ascii_digit() || first == '.');
        !self.rows[1..].iter().all(|row| number(&row[place]))
    }
}

/// Three places, cut and not rounded up: 0.9996 is not 1.
pub fn fixed(share: f64) -> String {
    format!("{:.4}", (share * 10_000.0 + 1e-6).floor() / 10_000.0)
}

/// How many targets are met, and that with those that are missed.
pub fn joined(targets: &[Target], figure: impl Fn(Measure) -> f64) -> (usize, String) {
    let missed: Vec<String> =
        targets.iter().filter(|target| !target.is_met(figure(target.measure))).map(Target::text).collect();
    let met = targets.len() - missed.len();
    let text = match (targets.len(), missed.len()) {
        (0, _) => String::new(),
        (_, 0) => format!("met {met}/{met}"),
        (of, _) => format!("met {met}/{of}, MISSED {}", missed.join(", ")),
    };
    (met, text)
}
