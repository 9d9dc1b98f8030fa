//! The one integration binary: scenarios on the engine, formats, store, configuration, and everything that needs a real
//! Apache Kafka broker (`broker`), which is fetched, started and stopped by the tests themselves.

mod broker;
mod cases;
mod checker;
mod cli;
mod config;
mod daemon;
mod data;
mod evaluation;
mod exactly_once;
mod formats;
mod judge;
mod kafka;
mod lists;
mod load;
mod operator;
mod outputs;
mod scenarios;
mod store;
mod story;
mod tidy;
