//! What changes a case: one command on the command topic. Whether it is carried out is the engine's to say, in the case's
//! next event or in a refusal; here it is only checked that a daemon could read it.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::parse_case;
use crate::app::{AppError, ConfigArgs};
use crate::config::Limits;
use crate::kafka::{Client, TxnFault};
use crate::model::{Actor, CaseId, CaseStatus, Command, CommandKind, Origin, TopicName, Verdict};
use crate::wire::command::{decode, encode_with_key};

const SEND_MAX: Duration = Duration::from_secs(30);
/// Another invocation at the same moment fences this one before anything of it is committed.
const TRIES_MAX: usize = 5;

/// Who says it, and to which daemon.
#[derive(Debug, Args)]
pub struct SendArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// In whose name
    #[arg(long, env = "USER", value_name = "NAME")]
    actor: String,
    /// Refused unless the case is at this seq
    #[arg(long, value_name = "SEQ")]
    expected_seq: Option<u64>,
    /// The same key again changes nothing; else one is drawn
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    #[arg(value_name = "CASE", value_parser = parse_case)]
    case: CaseId,
}

#[derive(Debug, Args)]
pub struct PairArgs {
    #[command(flatten)]
    send: SendArgs,
    #[arg(value_name = "OTHER", value_parser = parse_case)]
    other: CaseId,
    /// Told with the undoing
    #[arg(long)]
    comment: Option<String>,
}

#[derive(Debug, Args)]
pub struct CloseArgs {
    #[command(flatten)]
    send: SendArgs,
    #[arg(long, value_parser = parse_verdict)]
    verdict: Option<Verdict>,
    #[arg(long)]
    comment: Option<String>,
}

#[derive(Debug, Args)]
pub struct ReopenArgs {
    #[command(flatten)]
    send: SendArgs,
    #[arg(long)]
    comment: Option<String>,
}

#[derive(Debug, Args)]
pub struct VerdictArgs {
    #[command(flatten)]
    send: SendArgs,
    #[arg(value_name = "VERDICT", value_parser = parse_verdict)]
    verdict: Verdict,
}

#[derive(Debug, Args)]
pub struct AssignArgs {
    #[command(flatten)]
    send: SendArgs,
    #[arg(long)]
    owner: Option<String>,
    #[arg(long)]
    team: Option<String>,
}

#[derive(Debug, Args)]
pub struct AckArgs {
    #[command(flatten)]
    send: SendArgs,
}

#[derive(Debug, Args)]
pub struct CommentArgs {
    #[command(flatten)]
    send: SendArgs,
    #[arg(value_name = "TEXT")]
    text: String,
}

#[derive(Debug, Args)]
pub struct StatusArgs {
    #[command(flatten)]
    send: SendArgs,
    #[arg(value_name = "STATUS", value_parser = parse_stage)]
    status: CaseStatus,
}

pub fn merge(args: &PairArgs) -> Result<(), AppError> {
    if args.comment.is_some() {
        return Err(AppError::Usage("--comment goes with `undo`, a merge takes none".to_owned()));
    }
    send(&args.send, CommandKind::Merge { others: vec![args.other.clone()] })
}

pub fn undo(args: &PairArgs) -> Result<(), AppError> {
    send(&args.send, CommandKind::UndoMerge { other: args.other.clone(), comment: shared(args.comment.as_deref()) })
}

pub fn close(args: &CloseArgs) -> Result<(), AppError> {
    send(&args.send, CommandKind::Close { verdict: args.verdict, comment: shared(args.comment.as_deref()) })
}

pub fn reopen(args: &ReopenArgs) -> Result<(), AppError> {
    send(&args.send, CommandKind::Reopen { comment: shared(args.comment.as_deref()) })
}

pub fn verdict(args: &VerdictArgs) -> Result<(), AppError> {
    send(&args.send, CommandKind::SetVerdict { verdict: args.verdict })
}

pub fn assign(args: &AssignArgs) -> Result<(), AppError> {
    let (owner, team) = (shared(args.owner.as_deref()), shared(args.team.as_deref()));
    send(&args.send, CommandKind::Assign { owner, team })
}

pub fn acknowledge(args: &AckArgs) -> Result<(), AppError> {
    send(&args.send, CommandKind::Acknowledge)
}

pub fn comment(args: &CommentArgs) -> Result<(), AppError> {
    send(&args.send, CommandKind::Comment { text: args.text.as_str().into() })
}

pub fn status(args: &StatusArgs) -> Result<(), AppError> {
    send(&args.send, CommandKind::SetStatus { status: args.status })
}

fn shared(text: Option<&str>) -> Option<Arc<str>> {
    text.map(Arc::from)
}

fn send(args: &SendArgs, kind: CommandKind) -> Result<(), AppError> {
    let key = args.idempotency_key.clone().map_or_else(drawn_key, Ok)?;
    let (label, case) = (kind.label(), &args.case);
    let origin = Origin { topic: TopicName::new("terminal"), partition: 0, offset: 0, index: 0 };
    let command = Command {
        origin: origin.clone(),
        recorded_at: None,
        actor: Actor::Person { name: args.actor.as_str().into(), verified: false },
        case: case.clone(),
        expected_seq: args.expected_seq,
        idempotency: None,
        kind,
    };
    let value = encode_with_key(&command, &key);
    let config = args.config.load()?;
    check(origin, &value, &config.limits)?;
    let topic = &config.topics.commands;
    let client = Client::new(&config.kafka)?;
    let mut tries = 0;
    loop {
        tries += 1;
        match send_once(&client, &config.kafka.app, topic, &case.to_string(), &value) {
            // The key makes a second one of the same command harmless.
            Err(TxnFault::Fenced) if tries < TRIES_MAX => {}
            Err(fault) => return Err(AppError::Failed(format!("sending to {topic}: {fault}"))),
            Ok(()) => break,
        }
    }
    println!("{label} of {case} is on its way (key {})", super::text::clean(&key));
    Ok(())
}

/// What no daemon could read is wrong here already.
fn check(origin: Origin, value: &[u8], limits: &Limits) -> Result<(), AppError> {
    decode(origin, None, value, limits).map(drop).map_err(|error| AppError::Usage(error.to_string()))
}

fn send_once(client: &Client, app: &str, topic: &str, key: &str, value: &[u8]) -> Result<(), TxnFault> {
    let fatal = |fault: crate::kafka::KafkaFault| TxnFault::Fatal(fault.to_string());
    let producer = client.producer(&format!("{app}-case")).map_err(fatal)?;
    producer.init(SEND_MAX)?;
    producer.begin()?;
    producer.send(topic, None, Some(key.as_bytes()), Some(value), &[])?;
    producer.drain(SEND_MAX)?;
    producer.commit()
}

fn drawn_key() -> Result<String, AppError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| AppError::Failed(format!("no random numbers: {error}")))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn parse_verdict(raw: &str) -> Result<Verdict, String> {
    let known = || Verdict::ALL.map(Verdict::label).join(", ");
    Verdict::from_label(raw).ok_or_else(|| format!("verdicts are {}", known()))
}

fn parse_stage(raw: &str) -> Result<CaseStatus, String> {
    let stages = || {
        let open = CaseStatus::ALL.into_iter().filter(|status| status.is_open());
        open.map(CaseStatus::label).collect::<Vec<_>>().join(", ")
    };
    CaseStatus::from_label(raw).filter(|status| status.is_open()).ok_or_else(|| format!("stages are {}", stages()))
}
