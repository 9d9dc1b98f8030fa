//! The API's client: one GET, redirects followed, within bounds. It speaks plain HTTP, which is what the daemon serves.

use std::time::Duration;

use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::{Request, header};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::net::TcpStream;
use url::Url;

use super::text::clean;
use crate::app::AppError;

const ANSWER_MAX: Duration = Duration::from_secs(15);
const ANSWER_BYTES_MAX: usize = 64 << 20;
const REDIRECTS_MAX: usize = 5;

pub struct Client {
    base: Url,
}

/// RFC 9457, as far as it is shown.
#[derive(Deserialize)]
struct Problem {
    title: String,
    detail: Option<String>,
}

enum Answer {
    Body(Vec<u8>),
    Moved(Url),
}

impl Client {
    pub fn new(raw: &str) -> Result<Self, AppError> {
        let usage = |detail: &str| AppError::Usage(format!("--url {}: {detail}", clean(raw)));
        let base = Url::parse(raw).map_err(|error| usage(&error.to_string()))?;
        if base.scheme() != "http" || base.host().is_none() {
            return Err(usage("a URL such as http://127.0.0.1:8480"));
        }
        Ok(Self { base })
    }

    /// The body of the answer to one GET. Each pair is a parameter of the query.
    pub fn get(&self, path: &str, query: &[(&str, String)]) -> Result<Vec<u8>, AppError> {
        let mut url = self.base.clone();
        url.set_path(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let starting = |source| AppError::Io { doing: "starting".to_owned(), source };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(starting)?;
        runtime.block_on(async {
            match tokio::time::timeout(ANSWER_MAX, self.follow(url)).await {
                Ok(answered) => answered,
                Err(_) => Err(self.failed("no answer in time")),
            }
        })
    }

    async fn follow(&self, mut url: Url) -> Result<Vec<u8>, AppError> {
        for _ in 0..=REDIRECTS_MAX {
            match self.ask(&url).await? {
                Answer::Body(body) => return Ok(body),
                Answer::Moved(to) => url = to,
            }
        }
        Err(self.failed("redirects without end"))
    }

    async fn ask(&self, url: &Url) -> Result<Answer, AppError> {
        let failed = |what: &str, error: &dyn std::fmt::Display| self.failed(&format!("{what}: {error}"));
        let host = url.host_str().unwrap_or_default();
        let port = url.port_or_known_default().unwrap_or(80);
        let address = (host.trim_matches(['[', ']']), port);
        let stream = TcpStream::connect(address).await.map_err(|error| failed("cannot connect", &error))?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| failed("cannot connect", &error))?;
        let connection = tokio::spawn(connection);
        let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let request = Request::get(target)
            .header(header::HOST, format!("{host}:{port}"))
            .header(header::ACCEPT, "application/json")
            .body(Empty::<Bytes>::new())
            .map_err(|error| failed("cannot ask", &error))?;
        let response = sender.send_request(request).await.map_err(|error| failed("no answer", &error))?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
        let body = body.map_err(|error| failed("the answer broke off", &error))?.to_bytes();
        connection.abort();
        if head.status.is_redirection() {
            let to = head.headers.get(header::LOCATION).and_then(|to| to.to_str().ok());
            let to = to.and_then(|to| url.join(to).ok()).filter(|to| to.origin() == self.base.origin());
            return to.map(Answer::Moved).ok_or_else(|| self.failed("a redirect to somewhere else"));
        }
        if head.status.is_success() { Ok(Answer::Body(body.to_vec())) } else { Err(self.refused(head.status, &body)) }
    }

    fn refused(&self, status: hyper::StatusCode, body: &[u8]) -> AppError {
        match serde_json::from_slice::<Problem>(body) {
            Ok(Problem { title, detail: None }) => AppError::Failed(clean(&title)),
            Ok(Problem { title, detail: Some(detail) }) => {
                AppError::Failed(format!("{}: {}", clean(&title), clean(&detail)))
            }
            Err(_) => self.failed(&format!("answered {status}")),
        }
    }

    fn failed(&self, what: &str) -> AppError {
        AppError::Failed(format!("{}: {}", self.base, clean(what)))
    }
}
