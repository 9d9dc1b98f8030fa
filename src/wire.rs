//! Outside JSON to model and back. Nothing past this module sees a vendor's field name, and nothing in it decides.
//!
//! In: `scan` looks at foreign bytes first, `decode` finds the elements of a record and their reader (`native`, or a
//! `profile` through `walk` and `mapped`), `build` makes the alert of canonical values. Out: `event`, `view`,
//! `dead_letter`, `alert_json`, all through the small canonical writer `json`.

pub mod alert_json;
mod build;
pub mod canonical;
pub mod command;
pub mod dead_letter;
mod decode;
pub mod event;
mod identity;
mod json;
mod mapped;
mod native;
pub mod normalize;
mod profile;
mod reject;
mod rfc3339;
mod scan;
mod times;
pub mod view;
mod walk;

pub use decode::{Decoder, Element, Elements, Record, topic_matches};
pub use profile::{AUTO, NATIVE, Profile, ProfileError, Profiles};
pub use reject::{RejectReason, Rejection};
