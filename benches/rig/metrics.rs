//! One answer of `/metrics`, and the difference between two of them.

pub struct Metrics {
    text: String,
}

/// Upper bounds with the number of observations at or below each, and the sum of all.
#[derive(Clone, Debug, Default)]
pub struct Histogram {
    pub buckets: Vec<(f64, f64)>,
    pub sum: f64,
    pub count: f64,
}

impl Metrics {
    pub fn new(text: String) -> Self {
        Self { text }
    }

    /// The value of a series, written as it is exposed: `name` or `name{label="value"}`.
    pub fn value(&self, series: &str) -> f64 {
        self.series().find(|(name, _)| *name == series).map_or(0.0, |(_, value)| value)
    }

    /// All series of a name together.
    pub fn sum(&self, name: &str) -> f64 {
        let of_name = |series: &str| series.split('{').next() == Some(name);
        self.series().filter(|(series, _)| of_name(series)).map(|(_, value)| value).sum()
    }

    /// `labels` as exposed, without braces; empty for a histogram that has none.
    pub fn histogram(&self, name: &str, labels: &str) -> Histogram {
        let (inner, outer) = match labels {
            "" => (String::new(), String::new()),
            labels => (format!("{labels},"), format!("{{{labels}}}")),
        };
        let bucket = format!("{name}_bucket{{{inner}le=\"");
        let buckets = self.series().filter_map(|(series, value)| {
            let bound = series.strip_prefix(bucket.as_str())?.strip_suffix("\"}")?;
            Some((bound.parse().unwrap_or(f64::INFINITY), value))
        });
        Histogram {
            buckets: buckets.collect(),
            sum: self.value(&format!("{name}_sum{outer}")),
            count: self.value(&format!("{name}_count{outer}")),
        }
    }

    fn series(&self) -> impl Iterator<Item = (&str, f64)> {
        let lines = self.text.lines().filter(|line| !line.starts_with('#'));
        lines.filter_map(|line| line.rsplit_once(' ')).filter_map(|(name, value)| Some((name, value.parse().ok()?)))
    }
}

impl Histogram {
    /// What was observed after `earlier`.
    pub fn since(&self, earlier: &Self) -> Self {
        let before = |at: usize| earlier.buckets.get(at).map_or(0.0, |(_, count)| *count);
        let buckets = self.buckets.iter().enumerate().map(|(at, (bound, count))| (*bound, count - before(at)));
        Self { buckets: buckets.collect(), sum: self.sum - earlier.sum, count: self.count - earlier.count }
    }

    pub fn mean(&self) -> f64 {
        self.sum / self.count.max(1.0)
    }

    /// The value below which `share` of the observations lie, taken as evenly spread inside a bucket, as Prometheus
    /// does it. Past the last bound nothing is known but that bound.
    pub fn quantile(&self, share: f64) -> f64 {
        let wanted = self.count * share;
        let (mut bound_below, mut count_below) = (0.0, 0.0);
        for &(bound, count) in &self.buckets {
            if count >= wanted && count > count_below {
                let part = (wanted - count_below) / (count - count_below);
                return if bound.is_finite() { bound_below + (bound - bound_below) * part } else { bound_below };
            }
            (bound_below, count_below) = (bound, count);
        }
        bound_below
    }
}
