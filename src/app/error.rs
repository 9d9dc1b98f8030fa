//! Every end that is not a good one, and the one table of exit codes: 0 done or stopped on request, 1 failed, 64 bad
//! usage or configuration (EX_USAGE of sysexits.h).

use std::io;
use std::net::SocketAddr;

use crate::config::ConfigError;
use crate::http::HttpError;
use crate::kafka::{ClientError, KafkaFault};
use crate::pipeline::{MoveError, PlanError, ReplayError, ShardError};
use crate::store::{PortableError, StoreError};
use crate::telemetry::LogError;
use crate::wire::ProfileError;
use crate::wire::lists::ListError;

pub(super) const FAILED: u8 = 1;
pub(super) const USAGE: u8 = 64;

#[derive(Debug, thiserror::Error)]
pub enum AppError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Profile(#[from] ProfileError),
    #[error(transparent)]
    List(#[from] ListError),
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("{0}")]
    Usage(String),
    #[error(transparent)]
    Http(#[from] HttpError),
    #[error(transparent)]
    Shard(#[from] ShardError),
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error(transparent)]
    Move(#[from] MoveError),
    #[error(transparent)]
    Replay(#[from] ReplayError),
    #[error("kafka")]
    Kafka(#[from] KafkaFault),
    #[error("store")]
    Store(#[from] StoreError),
    #[error(transparent)]
    Portable(#[from] PortableError),
    #[error("{0}")]
    Failed(String),
    #[error("{doing}")]
    Io {
        doing: String,
        #[source]
        source: io::Error,
    },
    #[error("cannot write the output")]
    Output(#[source] io::Error),
    #[error("{address} does not answer")]
    NoAnswer {
        address: SocketAddr,
        #[source]
        source: io::Error,
    },
    #[error("{address} is not live: {answer}")]
    NotLive { address: SocketAddr, answer: String },
}

impl AppError {
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_) | Self::Log(_) | Self::Profile(_) | Self::List(_) | Self::Client(_) | Self::Usage(_) => {
                USAGE
            }
            Self::Shard(ShardError::Plan(PlanError::NoStart(_))) => USAGE,
            Self::Move(MoveError::NoInput(_) | MoveError::NoPartition { .. } | MoveError::OutOfLog { .. }) => USAGE,
            Self::Plan(_)
            | Self::Move(_)
            | Self::Http(_)
            | Self::Shard(_)
            | Self::Replay(_)
            | Self::Kafka(_)
            | Self::Store(_)
            | Self::Portable(_)
            | Self::Failed(_)
            | Self::Io { .. }
            | Self::Output(_)
            | Self::NoAnswer { .. }
            | Self::NotLive { .. } => FAILED,
        }
    }

    /// `casewright … | head` is no failure.
    #[must_use]
    pub fn is_reader_gone(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}
