//! Outside JSON to model and back. Nothing past this module sees a vendor's field name, and nothing in it decides.

pub mod alert_json;
pub mod command;
pub mod dead_letter;
pub mod event;
mod json;
mod rfc3339;
pub mod view;
