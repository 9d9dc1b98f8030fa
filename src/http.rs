//! The daemon's HTTP side: health, metrics, the API that reads cases and, later, the console. This file owns the listener
//! and the life of connections (how many, how long, how they end); `route` has the table of what is answered, `api` what is
//! answered of cases, and `problem` the table of what goes wrong.

mod api;
mod problem;
mod route;

use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::{debug, info, warn};

use crate::pipeline::CaseReader;
use crate::telemetry::{Health, Metrics};

pub use problem::ApiError;

use route::Shared;

const CONNECTIONS_MAX: usize = 256;
const BODY_BYTES_MAX: usize = 1 << 20;
const HEADERS_MAX: usize = 64;
/// How long a request's head may take, and so how long a kept connection may be idle.
const HEAD_MAX: Duration = Duration::from_secs(10);
/// A connection is asked to end at this age: nobody holds one of the few for ever.
const CONNECTION_AGE_MAX: Duration = Duration::from_mins(10);
/// What is left of the answers under way when the daemon stops, or when a connection is too old.
const GRACE: Duration = Duration::from_secs(3);
/// After a failed accept (no file handle left), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    #[error("{0} is not a loopback address: set `http.insecure = true` to serve everyone without TLS")]
    OffLoopback(SocketAddr),
    #[error("{0} is in use, by another daemon perhaps: set `http.bind` to a free port")]
    InUse(SocketAddr),
    #[error("cannot listen on {address}")]
    Listen {
        address: SocketAddr,
        #[source]
        source: io::Error,
    },
}

/// A bound listener and what it answers from.
pub struct Service {
    listener: TcpListener,
    address: SocketAddr,
    router: Router,
}

impl Service {
    /// Binds at once, so that a port in use ends the start and not a thread of its own later. Port 0 takes a free one.
    pub fn new(
        bind: SocketAddr,
        insecure: bool,
        metrics: Arc<Metrics>,
        health: Arc<Health>,
        cases: CaseReader,
    ) -> Result<Self, HttpError> {
        if !insecure && !bind.ip().is_loopback() {
            return Err(HttpError::OffLoopback(bind));
        }
        let listener = TcpListener::bind(bind).map_err(|error| listen_error(bind, error))?;
        listener.set_nonblocking(true).map_err(|error| listen_error(bind, error))?;
        let address = listener.local_addr().map_err(|error| listen_error(bind, error))?;
        let shared = Shared { metrics, health, cases, any_host: insecure };
        Ok(Self { listener, address, router: route::router(shared, BODY_BYTES_MAX) })
    }

    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `shutdown`, then lets what is under way finish.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), HttpError> {
        let listening = |error| listen_error(self.address, error);
        let listener = tokio::net::TcpListener::from_std(self.listener).map_err(listening)?;
        let graceful = GracefulShutdown::new();
        let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let mut shutdown = pin!(shutdown);
        info!(address = %self.address, "http listening");
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                (stream, slot) = accept(&listener, &slots) => {
                    tokio::spawn(serve(stream, slot, self.router.clone(), graceful.watcher()));
                }
            }
        }
        drop(listener);
        if tokio::time::timeout(GRACE, graceful.shutdown()).await.is_err() {
            warn!("http connections were cut, they did not end in time");
        }
        Ok(())
    }
}

fn listen_error(address: SocketAddr, source: io::Error) -> HttpError {
    match source.kind() {
        io::ErrorKind::AddrInUse => HttpError::InUse(address),
        _ => HttpError::Listen { address, source },
    }
}

/// The next connection once there is a slot for it; until then clients wait in the listener's bounded backlog.
async fn accept(
    listener: &tokio::net::TcpListener,
    slots: &Arc<Semaphore>,
) -> (TcpStream, Option<OwnedSemaphorePermit>) {
    let slot = Arc::clone(slots).acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (stream, slot),
            Err(error) => {
                warn!(%error, "http accept failed");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn serve(stream: TcpStream, slot: Option<OwnedSemaphorePermit>, router: Router, watcher: Watcher) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_MAX)
        .max_headers(HEADERS_MAX)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let watched = watcher.watch(connection);
    match tokio::time::timeout(CONNECTION_AGE_MAX, watched).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => debug!(%error, "http connection ended"),
        Err(_) => debug!("http connection was too old"),
    }
    drop(slot);
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;
    use crate::telemetry::{Check, CheckState};

    struct Running {
        address: SocketAddr,
        health: Arc<Health>,
        _stop: tokio::sync::oneshot::Sender<()>,
    }

    fn start() -> Running {
        let health = Arc::new(Health::new());
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        let service =
            Service::new(free, false, Arc::new(Metrics::new()), Arc::clone(&health), CaseReader::default()).unwrap();
        let address = service.address();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(service.run(async { drop(stopped.await) }))
        });
        Running { address, health, _stop: stop }
    }

    fn ask(address: SocketAddr, request: &str) -> String {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        write!(stream, "{request} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn body(answer: &str) -> serde_json::Value {
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    #[test]
    fn readiness_names_every_check() {
        let running = start();
        let answer = ask(running.address, "GET /readyz");
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
        for check in Check::ALL {
            running.health.set(check, CheckState::Ok, "");
        }
        running.health.set(Check::Kafka, CheckState::Failed, "no broker answers");
        let answer = body(&ask(running.address, "GET /readyz"));
        assert_eq!(answer["ready"], false);
        assert_eq!(answer["checks"][0]["name"], "kafka");
        assert_eq!(answer["checks"][0]["state"], "failed");
        assert_eq!(answer["checks"][0]["detail"], "no broker answers");
        assert_eq!(answer["checks"].as_array().unwrap().len(), Check::ALL.len());
        running.health.set(Check::Kafka, CheckState::Ok, "");
        assert!(ask(running.address, "GET /readyz").starts_with("HTTP/1.1 200 "));
    }

    #[test]
    fn liveness_and_metrics_answer_before_anything_is_ready() {
        let running = start();
        assert!(ask(running.address, "GET /livez").starts_with("HTTP/1.1 200 "));
        let metrics = ask(running.address, "GET /metrics");
        assert!(metrics.contains("content-type: text/plain; version=0.0.4"), "{metrics}");
        assert!(metrics.contains("casewright_http_request_seconds_count{route=\"/livez\",status=\"200\"} 1"));
        assert!(ask(running.address, "GET /").contains("/metrics"));
    }

    #[test]
    fn what_is_not_there_is_a_problem() {
        let running = start();
        let answer = ask(running.address, "GET /nothing/here");
        assert!(answer.starts_with("HTTP/1.1 404 ") && answer.contains("application/problem+json"), "{answer}");
        assert_eq!(body(&answer)["type"], "urn:casewright:problem:not-found");
        let answer = ask(running.address, "POST /metrics");
        assert!(answer.starts_with("HTTP/1.1 405 ") && answer.contains("allow: GET,HEAD"), "{answer}");
        assert_eq!(body(&answer)["status"], 405);
        // A path that a client made up is no label.
        assert!(!ask(running.address, "GET /metrics").contains("/nothing/here"));
    }

    #[test]
    fn the_api_says_what_is_wrong_with_a_request() {
        let running = start();
        let problem = |path: &str| {
            let answer = ask(running.address, &format!("GET {path}"));
            assert!(answer.contains("application/problem+json"), "{answer}");
            let body = body(&answer);
            assert!(answer.starts_with(&format!("HTTP/1.1 {} ", body["status"])), "{answer}");
            (body["status"].as_u64().unwrap(), body["type"].as_str().unwrap().rsplit(':').next().unwrap().to_owned())
        };
        let is = |status: u64, name: &str| (status, name.to_owned());
        // Nothing is served before the first commit.
        assert_eq!(problem("/api/v1/cases"), is(503, "not-serving"));
        assert_eq!(problem("/api/v1/cases/acme-1"), is(503, "not-serving"));
        assert_eq!(problem("/api/v1/cases/acme-1/explain"), is(503, "not-serving"));
        assert_eq!(problem("/api/v1/cases/acme"), is(404, "no-such-case"));
        assert_eq!(problem("/api/v1/cases/acme-1/nothing"), is(404, "not-found"));
        for query in ["limit=0", "limit=501", "limit=x", "status=gone", "band=P9", "roll_up=maybe", "order=size", "a=1"]
        {
            assert_eq!(problem(&format!("/api/v1/cases?{query}")), is(400, "bad-request"), "{query}");
        }
        for query in ["cursor=x", "tenant=a%20b", "limit=1&limit=2"] {
            assert_eq!(problem(&format!("/api/v1/cases?{query}")), is(400, "bad-request"), "{query}");
        }
        for query in ["alert=1", "alerts=1", "alert=0&alert=1&alert=2"] {
            assert_eq!(problem(&format!("/api/v1/cases/a-1/explain?{query}")), is(400, "bad-request"), "{query}");
        }
        let metrics = ask(running.address, "GET /metrics");
        assert!(metrics.contains("{route=\"/api/v1/cases/{id}\",status=\"404\"} 1"), "{metrics}");
    }

    #[test]
    fn a_page_of_another_name_cannot_read_cases() {
        let running = start();
        let from = |host: &str| {
            let mut stream = std::net::TcpStream::connect(running.address).unwrap();
            write!(stream, "GET /api/v1/cases HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            body(&answer)["status"].as_u64().unwrap()
        };
        for host in ["localhost", "localhost:8480", "127.0.0.1:8480", "[::1]:8480", "10.0.0.5"] {
            assert_eq!(from(host), 503, "{host}");
        }
        for host in ["evil.example", "evil.example:8480", "localhost.evil.example"] {
            assert_eq!(from(host), 421, "{host}");
        }
    }

    #[test]
    fn a_port_in_use_says_so() {
        let running = start();
        let (metrics, health) = (Arc::new(Metrics::new()), Arc::new(Health::new()));
        let again = Service::new(running.address, false, metrics, health, CaseReader::default());
        assert!(matches!(again, Err(HttpError::InUse(address)) if address == running.address));
    }

    #[test]
    fn another_address_than_loopback_needs_a_word() {
        let everyone = SocketAddr::from(([0, 0, 0, 0], 0));
        let service = |insecure| {
            let (metrics, health) = (Arc::new(Metrics::new()), Arc::new(Health::new()));
            Service::new(everyone, insecure, metrics, health, CaseReader::default())
        };
        assert!(matches!(service(false), Err(HttpError::OffLoopback(_))));
        assert!(service(true).is_ok());
    }
}
