//! Outside JSON to the model and back. Every foreign shape lives here, as a versioned struct or a profile; nothing past
//! this module sees an outside field name, and nothing in it decides.
//!
//! Alerts come in through [`Decoder`]: `scan` bounds and checks JSON, `plain` takes text apart, `members` looks into
//! envelopes; `native`, a [`Profiles`] entry or, where none knows the product, `generic` with its `vocabulary` reads them;
//! `canonical` gives every value its one form, `identity` names the alert; `normalize` shows what came of it. `lists` reads
//! what is known beforehand: assets and indicators. Out go `event`, `view`, `listing`, `explain`, `dead_letter`, `audit` and
//! `alert_json`, all through the small canonical writer `json`.

pub mod alert_json;
pub mod audit;
pub mod canonical;
pub mod command;
pub mod dead_letter;
pub mod decode;
mod deep;
pub mod event;
pub mod explain;
mod generic;
pub mod identity;
mod json;
pub mod listing;
pub mod lists;
mod members;
pub mod native;
pub mod normalize;
pub mod plain;
pub mod profile;
mod rfc3339;
pub mod scan;
pub mod times;
pub mod view;
mod vocabulary;

pub use decode::{AUTO, Decoder, Element, Elements, Record, RejectReason, Rejection, topic_matches};
pub use profile::{GENERIC, NATIVE, ProfileError, ProfileInfo, Profiles, SampleFault, SampleReport, check_samples};
