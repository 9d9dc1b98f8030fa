//! How well cases agree with a truth: pairwise and B-cubed precision and recall over the labelled alerts, what share of the
//! noise sits among them, over how many cases an attack is spread, how much of a state survives in a later one. It knows
//! neither engine nor files: an alert is its place in two lists of the same length.

use std::collections::{BTreeMap, BTreeSet};

/// The label of alerts that belong to no incident.
pub const NOISE: &str = "-";

/// The case of each alert, as a number; an alert in no case is a case of its own.
pub type Cases = [Option<u32>];

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Score {
    pub alerts: usize,
    /// Alerts with another label than noise.
    pub labelled: usize,
    /// Cases of any alert.
    pub cases: usize,
    /// Alerts in the largest of them.
    pub largest: usize,
    pub pair: Rates,
    pub b_cubed: Rates,
    /// Share of the noise that sits in a case with labelled alerts; none without noise.
    pub noise_in_incidents: Option<f64>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rates {
    pub precision: f64,
    pub recall: f64,
}

impl Rates {
    /// Their harmonic mean.
    #[must_use]
    pub fn f1(self) -> f64 {
        let sum = self.precision + self.recall;
        if sum > 0.0 { 2.0 * self.precision * self.recall / sum } else { 0.0 }
    }
}

impl Score {
    #[must_use]
    pub fn alerts_per_case(&self) -> f64 {
        self.alerts as f64 / self.cases.max(1) as f64
    }
}

/// # Panics
/// If there are not as many labels as alerts.
#[must_use]
pub fn score<L: AsRef<str>>(cases: &Cases, labels: &[L]) -> Score {
    assert_eq!(cases.len(), labels.len(), "every alert has a label");
    let cases = alone(cases);
    let (mut all, mut noise) = (BTreeMap::new(), Vec::new());
    let mut table = Table::default();
    for (case, label) in cases.iter().zip(labels) {
        *all.entry(*case).or_insert(0_usize) += 1;
        match label.as_ref() {
            NOISE => noise.push(*case),
            label => table.add(*case, label),
        }
    }
    let swallowed = noise.iter().filter(|case| table.by_case.contains_key(*case)).count();
    Score {
        alerts: cases.len(),
        labelled: table.count,
        cases: all.len(),
        largest: all.values().copied().max().unwrap_or(0),
        pair: table.pair(),
        b_cubed: table.b_cubed(),
        noise_in_incidents: (!noise.is_empty()).then(|| swallowed as f64 / noise.len() as f64),
    }
}

/// Pairwise precision alone, which is what the running view is watched for.
#[must_use]
pub fn pair_precision<L: AsRef<str>>(cases: &Cases, labels: &[L]) -> f64 {
    let mut table = Table::default();
    for (case, label) in alone(cases).into_iter().zip(labels) {
        if label.as_ref() != NOISE {
            table.add(case, label.as_ref());
        }
    }
    table.pair().precision
}

/// One incident among all: how much of it is together, and what else is there.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Wide {
    /// Pairs of its alerts that share a case.
    pub recall: f64,
    /// Share of its alerts in the case that has most of them.
    pub largest: f64,
    /// In that case, the share of other incidents' alerts.
    pub strangers: f64,
    /// In that case, the share of noise.
    pub noise: f64,
}

/// # Panics
/// If there are not as many labels as alerts.
#[must_use]
pub fn wide<L: AsRef<str>>(cases: &Cases, labels: &[L], incident: &str) -> Wide {
    assert_eq!(cases.len(), labels.len(), "every alert has a label");
    let cases = alone(cases);
    let own = counted(cases.iter().zip(labels).filter(|(_, label)| label.as_ref() == incident).map(|(case, _)| *case));
    let Some((main, count)) = top(&own) else { return Wide::default() };
    let total: usize = own.values().sum();
    let (mut all, mut strangers, mut noise) = (0_usize, 0_usize, 0_usize);
    for (_, label) in cases.iter().zip(labels).filter(|(case, _)| **case == main) {
        all += 1;
        noise += usize::from(label.as_ref() == NOISE);
        strangers += usize::from(label.as_ref() != NOISE && label.as_ref() != incident);
    }
    Wide {
        recall: ratio(own.values().map(|count| pairs(*count)).sum(), pairs(total)),
        largest: count as f64 / total as f64,
        strangers: strangers as f64 / all as f64,
        noise: noise as f64 / all as f64,
    }
}

/// The fewest cases that together hold at least `permille` of the alerts with one of these labels.
#[must_use]
pub fn spread<L: AsRef<str>>(cases: &Cases, labels: &[L], chain: &[&str], permille: usize) -> usize {
    let cases = alone(cases);
    let of_chain = cases.iter().zip(labels).filter(|(_, label)| chain.contains(&label.as_ref()));
    let mut counts: Vec<usize> = counted(of_chain.map(|(case, _)| *case)).into_values().collect();
    counts.sort_unstable_by(|a, b| b.cmp(a));
    let wanted = counts.iter().sum::<usize>() * permille;
    let (mut held, mut needed) = (0, 0);
    for count in counts {
        if held * 1_000 >= wanted {
            break;
        }
        held += count;
        needed += 1;
    }
    needed
}

/// Cases of `before` with at least `alerts_min` alerts, and those of them whose alerts are not all in one case `after`.
/// `after` may know more alerts.
#[must_use]
pub fn fallen(before: &Cases, after: &Cases, alerts_min: usize) -> (BTreeSet<u32>, BTreeSet<u32>) {
    let mut members: BTreeMap<u32, (usize, BTreeSet<u64>)> = BTreeMap::new();
    for (case, later) in before.iter().zip(alone(after)) {
        if let Some(case) = case {
            let (count, laters) = members.entry(*case).or_default();
            *count += 1;
            laters.insert(later);
        }
    }
    members.retain(|_, (count, _)| *count >= alerts_min);
    let apart = members.iter().filter(|(_, (_, laters))| laters.len() > 1).map(|(case, _)| *case).collect();
    (members.into_keys().collect(), apart)
}

/// Alerts per case and label, from which all rates follow.
#[derive(Default)]
struct Table<'l> {
    by_case: BTreeMap<u64, usize>,
    by_label: BTreeMap<&'l str, usize>,
    both: BTreeMap<(u64, &'l str), usize>,
    count: usize,
}

impl<'l> Table<'l> {
    fn add(&mut self, case: u64, label: &'l str) {
        *self.by_case.entry(case).or_default() += 1;
        *self.by_label.entry(label).or_default() += 1;
        *self.both.entry((case, label)).or_default() += 1;
        self.count += 1;
    }

    fn pair(&self) -> Rates {
        let hit = self.both.values().map(|count| pairs(*count)).sum();
        let made = self.by_case.values().map(|count| pairs(*count)).sum();
        let wanted = self.by_label.values().map(|count| pairs(*count)).sum();
        Rates { precision: ratio(hit, made), recall: ratio(hit, wanted) }
    }

    fn b_cubed(&self) -> Rates {
        let (mut precision, mut recall) = (0.0, 0.0);
        for ((case, label), count) in &self.both {
            let square = (*count * *count) as f64;
            precision += square / self.by_case[case] as f64;
            recall += square / self.by_label[label] as f64;
        }
        let labelled = self.count.max(1) as f64;
        Rates { precision: precision / labelled, recall: recall / labelled }
    }
}

/// Alerts in no case get numbers that no case has.
fn alone(cases: &Cases) -> Vec<u64> {
    let lone = |place: usize| u64::from(u32::MAX) + 1 + place as u64;
    cases.iter().enumerate().map(|(place, case)| case.map_or_else(|| lone(place), u64::from)).collect()
}

fn counted(cases: impl Iterator<Item = u64>) -> BTreeMap<u64, usize> {
    let mut counts = BTreeMap::new();
    for case in cases {
        *counts.entry(case).or_default() += 1;
    }
    counts
}

/// The most frequent; of several the first.
fn top(counts: &BTreeMap<u64, usize>) -> Option<(u64, usize)> {
    counts.iter().map(|(case, count)| (*case, *count)).max_by(|a, b| a.1.cmp(&b.1).then(b.0.cmp(&a.0)))
}

const fn pairs(count: usize) -> u64 {
    let count = count as u64;
    count * count.saturating_sub(1) / 2
}

/// 1 of nothing: who claims nothing claims nothing wrong.
fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(left: f64, right: f64) {
        assert!((left - right).abs() < 1e-9, "{left} is not {right}");
    }

    /// Two incidents of three and two alerts and one noise; one alert strayed into the other's case, noise into the first.
    const CASES: [Option<u32>; 6] = [Some(1), Some(1), Some(2), Some(2), Some(2), Some(1)];
    const LABELS: [&str; 6] = ["a", "a", "a", "b", "b", NOISE];

    #[test]
    fn rates_are_those_of_a_hand() {
        let score = score(&CASES, &LABELS);
        assert_eq!((score.alerts, score.labelled, score.cases, score.largest), (6, 5, 2, 3));
        // Pairs together: 1 in case 1, 3 in case 2, of which right: aa and bb. Wanted: 3 of a, 1 of b.
        near(score.pair.precision, 2.0 / 4.0);
        near(score.pair.recall, 2.0 / 4.0);
        // Alert by alert: 1, 1 of case 1; 1/3, 2/3, 2/3 of case 2. Recall: 2/3, 2/3, 1/3; 1, 1.
        near(score.b_cubed.precision, (1.0 + 1.0 + 1.0 / 3.0 + 2.0 / 3.0 + 2.0 / 3.0) / 5.0);
        near(score.b_cubed.recall, (2.0 / 3.0 + 2.0 / 3.0 + 1.0 / 3.0 + 1.0 + 1.0) / 5.0);
        near(score.b_cubed.f1(), 2.0 * (11.0 / 15.0) * (11.0 / 15.0) / (22.0 / 15.0));
        assert_eq!(score.noise_in_incidents, Some(1.0));
        near(score.alerts_per_case(), 3.0);
        near(pair_precision(&CASES, &LABELS), 0.5);
    }

    #[test]
    fn an_alert_in_no_case_is_alone() {
        let score = score(&[None, None, Some(7), Some(7)], &["a", "a", "b", NOISE]);
        assert_eq!((score.cases, score.largest), (3, 2));
        near(score.pair.precision, 1.0);
        near(score.pair.recall, 0.0);
        assert_eq!(score.noise_in_incidents, Some(1.0));
        assert_eq!(super::score(&[Some(1)], &["a"]).noise_in_incidents, None);
    }

    #[test]
    fn a_wide_incident_is_seen_from_its_largest_case() {
        let cases = [Some(1), Some(1), Some(1), Some(2), Some(1), Some(1)];
        let wide = wide(&cases, &["w", "w", "w", "w", "x", NOISE], "w");
        near(wide.recall, 3.0 / 6.0);
        near(wide.largest, 3.0 / 4.0);
        near(wide.strangers, 1.0 / 5.0);
        near(wide.noise, 1.0 / 5.0);
        assert_eq!(super::wide(&cases, &[NOISE; 6], "w"), Wide::default());
    }

    #[test]
    fn a_chain_is_spread_over_the_fewest_cases_that_hold_it() {
        let cases: Vec<Option<u32>> = (0..100).map(|n| Some(if n < 94 { 1 } else { n })).collect();
        let labels = vec!["dirb"; 100];
        assert_eq!(spread(&cases, &labels, &["dirb"], 940), 1);
        assert_eq!(spread(&cases, &labels, &["dirb"], 950), 2);
        assert_eq!(spread(&cases, &labels, &["dirb"], 1_000), 7);
        assert_eq!(spread(&cases, &labels, &["wpscan"], 950), 0);
    }

    #[test]
    fn a_case_falls_apart_where_its_alerts_part() {
        let before = [Some(1), Some(1), Some(2), Some(2), Some(3)];
        let after = [Some(1), Some(4), Some(9), Some(9), Some(9), Some(1)];
        let (known, apart) = fallen(&before, &after, 2);
        assert_eq!((known, apart), (BTreeSet::from([1, 2]), BTreeSet::from([1])));
    }
}
