//! What people do about noise and about what was put together wrongly: one story per rule, and what holds whatever the
//! order.

mod commands;
mod rules;

use super::{check, script, world};
