//! What is aimed at, and whether it is met.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Of pairs; of several seeds the mean.
    Precision,
    WorstPrecision,
    Recall,
    F1,
    Noise,
    AlertsPerCase,
    ChainCases,
    /// Recall where cases that are told to be related count as one.
    Related,
    /// Share of an incident in one visible case.
    Visible,
    /// Precision of pairs on the way, the middle of all checkpoints.
    RunningMedian,
}

impl Measure {
    const fn label(self) -> &'static str {
        match self {
            Self::Precision => "P",
            Self::WorstPrecision => "worst P",
            Self::Recall => "R",
            Self::F1 => "F1",
            Self::Noise => "noise",
            Self::AlertsPerCase => "a/case",
            Self::ChainCases => "chain",
            Self::Related => "related",
            Self::Visible => "visible",
            Self::RunningMedian => "running",
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Target {
    pub measure: Measure,
    bound: Bound,
}

#[derive(Clone, Copy, Debug)]
enum Bound {
    Least(f64),
    Most(f64),
}

pub const fn at_least(measure: Measure, bound: f64) -> Target {
    Target { measure, bound: Bound::Least(bound) }
}

pub const fn at_most(measure: Measure, bound: f64) -> Target {
    Target { measure, bound: Bound::Most(bound) }
}

impl Target {
    pub fn is_met(&self, figure: f64) -> bool {
        match self.bound {
            Bound::Least(bound) => figure >= bound,
            Bound::Most(bound) => figure <= bound,
        }
    }

    /// Such as `F1 >= .985`.
    pub fn text(&self) -> String {
        let (sign, bound) = match self.bound {
            Bound::Least(bound) => (">=", bound),
            Bound::Most(bound) => ("<=", bound),
        };
        format!("{} {sign} {bound}", self.measure.label())
    }
}
