//! Seeded input and an independent judge: what the demo, `casewright generate`, the benches and the tests feed to the
//! daemon ([`load`], [`story`]), and what checks its output from the outside ([`checker`]); recorded alerts under stress
//! ([`stress`]) and how well cases agree with a truth ([`score`]), for `make evaluate`.
//!
//! Randomness lives here and nowhere else in the crate, and comes from a seed: the same seed gives the same bytes.

pub mod checker;
pub mod hostile;
pub mod load;
pub mod rng;
pub mod score;
pub mod story;
pub mod stress;
pub mod zipf;
