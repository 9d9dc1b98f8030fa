//! The steps of a segment: what the engine was given, in its order, and what became of it.

use serde::{Deserialize, Serialize};

use super::alert::AlertV1;
use super::codes;
use super::state::{CaseIdV1, at};
use crate::model::{AlertId, Evidence, Link, Millis, Origin, PartId, RejectedRival, TopicName};
use crate::store::{AlertStep, RowError, Step};

#[derive(Serialize, Deserialize)]
pub struct OriginV1<'a> {
    topic: &'a str,
    partition: i32,
    offset: i64,
    index: u32,
}

impl<'a> OriginV1<'a> {
    pub fn of(origin: &'a Origin) -> Self {
        Self { topic: origin.topic.as_str(), partition: origin.partition, offset: origin.offset, index: origin.index }
    }

    pub fn back(self) -> Origin {
        Origin { topic: TopicName::new(self.topic), partition: self.partition, offset: self.offset, index: self.index }
    }
}

#[derive(Serialize, Deserialize)]
pub enum StepV1<'a> {
    #[serde(borrow)]
    Alert(Box<AlertStepV1<'a>>),
    Repeat {
        #[serde(borrow)]
        origin: OriginV1<'a>,
        alert: [u8; 16],
        late: bool,
        #[serde(borrow)]
        case: Option<CaseIdV1<'a>>,
        part: Option<u64>,
    },
    Command {
        #[serde(borrow)]
        origin: OriginV1<'a>,
        outcome: u8,
        #[serde(borrow)]
        case: Option<CaseIdV1<'a>>,
    },
    Rejected {
        #[serde(borrow)]
        origin: OriginV1<'a>,
    },
    Advance {
        watermark: i64,
    },
    Idle {
        topic: &'a str,
        partition: i32,
    },
    Policy {
        digest: [u8; 32],
    },
    // What came later stands at the end, so that what was written before is read as it was.
    Lists {
        digest: [u8; 32],
    },
    #[serde(borrow)]
    AlertV2(Box<AlertStepV2<'a>>),
}

/// What is written of an alert now.
#[derive(Serialize, Deserialize)]
pub struct AlertStepV2<'a> {
    #[serde(borrow)]
    pub step: AlertStepV1<'a>,
    /// The part that the alert continues, where its link says so.
    pub continues: Option<u64>,
}

#[derive(Serialize, Deserialize)]
pub struct AlertStepV1<'a> {
    #[serde(borrow)]
    pub alert: AlertV1<'a>,
    pub outcome: u8,
    pub late: bool,
    #[serde(borrow)]
    pub case: Option<CaseIdV1<'a>>,
    pub part: Option<u64>,
    #[serde(borrow)]
    pub link: Option<LinkV1<'a>>,
}

impl StepV1<'_> {
    pub fn back(self) -> Result<Step, RowError> {
        Ok(match self {
            Self::Alert(step) => Step::Alert(Box::new(step.back()?)),
            Self::AlertV2(step) => Step::Alert(Box::new(step.back()?)),
            Self::Repeat { origin, alert, late, case, part } => Step::Repeat {
                origin: origin.back(),
                alert: AlertId(u128::from_be_bytes(alert)),
                late,
                case: case.map(CaseIdV1::back).transpose()?,
                part: part.map(PartId),
            },
            Self::Command { origin, outcome, case } => Step::Command {
                origin: origin.back(),
                outcome: codes::outcome(outcome)?,
                case: case.map(CaseIdV1::back).transpose()?,
            },
            Self::Rejected { origin } => Step::Rejected { origin: origin.back() },
            Self::Advance { watermark } => Step::Advance { watermark: at(watermark) },
            Self::Idle { topic, partition } => Step::Idle { topic: TopicName::new(topic), partition },
            Self::Policy { digest } => Step::Policy { digest },
            Self::Lists { digest } => Step::Lists { digest },
        })
    }
}

impl AlertStepV2<'_> {
    fn back(self) -> Result<AlertStep, RowError> {
        let mut step = self.step.back()?;
        if let Some(link) = &mut step.link {
            link.continues = self.continues.map(PartId);
        }
        Ok(step)
    }
}

impl AlertStepV1<'_> {
    fn back(self) -> Result<AlertStep, RowError> {
        Ok(AlertStep {
            alert: self.alert.back()?,
            outcome: codes::outcome(self.outcome)?,
            late: self.late,
            case: self.case.map(CaseIdV1::back).transpose()?,
            part: self.part.map(PartId),
            link: self.link.map(LinkV1::back).transpose()?,
        })
    }
}

#[derive(Serialize, Deserialize)]
pub struct LinkV1<'a> {
    strength_permille: u16,
    #[serde(borrow)]
    evidence: Vec<EvidenceV1<'a>>,
    #[serde(borrow)]
    rivals: Vec<(CaseIdV1<'a>, u16)>,
}

impl<'a> LinkV1<'a> {
    pub fn of(link: &'a Link) -> Self {
        Self {
            strength_permille: link.strength_permille,
            evidence: link.evidence.iter().map(EvidenceV1::of).collect(),
            rivals: link.rivals.iter().map(|rival| (CaseIdV1::of(&rival.case), rival.strength_permille)).collect(),
        }
    }

    fn back(self) -> Result<Link, RowError> {
        Ok(Link {
            strength_permille: self.strength_permille,
            // Beside it, in what is written since; before, only the event said it.
            continues: None,
            evidence: self.evidence.into_iter().map(EvidenceV1::back).collect::<Result<_, _>>()?,
            rivals: self.rivals.into_iter().map(rival_back).collect::<Result<_, _>>()?,
        })
    }
}

fn rival_back((case, strength_permille): (CaseIdV1<'_>, u16)) -> Result<RejectedRival, RowError> {
    Ok(RejectedRival { case: case.back()?, strength_permille })
}

#[derive(Serialize, Deserialize)]
struct EvidenceV1<'a> {
    kind: u8,
    value: &'a str,
    role: u8,
    part: u64,
    weight_permille: u16,
    specificity_permille: u16,
    age_ms: i64,
    window_ms: i64,
    counted: bool,
}

impl<'a> EvidenceV1<'a> {
    fn of(evidence: &'a Evidence) -> Self {
        Self {
            kind: evidence.kind as u8,
            value: &evidence.value,
            role: evidence.role as u8,
            part: evidence.part.0,
            weight_permille: evidence.weight_permille,
            specificity_permille: evidence.specificity_permille,
            age_ms: evidence.age.0,
            window_ms: evidence.window.0,
            counted: evidence.counted,
        }
    }

    fn back(self) -> Result<Evidence, RowError> {
        Ok(Evidence {
            kind: codes::key_kind(self.kind)?,
            value: self.value.into(),
            role: codes::role(self.role)?,
            part: PartId(self.part),
            weight_permille: self.weight_permille,
            specificity_permille: self.specificity_permille,
            age: Millis(self.age_ms),
            window: Millis(self.window_ms),
            counted: self.counted,
        })
    }
}
