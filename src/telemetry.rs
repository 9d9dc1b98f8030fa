//! What an operator sees from outside: every metric by name (`metrics`), the named health checks (`health`) and the
//! log set-up (`log`). Labels come from enums and from configuration, never from an alert, so the number of series is
//! bounded. Which numbers are counted, and when, is the business of those who count.

mod health;
mod log;
mod metrics;

pub use health::{Check, CheckReport, CheckState, Health};
pub use log::{Color, LogError, LogOptions, set_up};
pub use metrics::{CommitResult, LinkStrength, ListLoad, MergeResult, Metrics, OffsetDispute, RecoveryCause, Stage};
