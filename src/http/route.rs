//! The one table of routes: path and what answers there. Every answer is timed under its line of the table, so that the
//! metric has as many series as the table has lines.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Serialize;
use tokio::sync::Semaphore;

use super::api;
use super::problem::ApiError;
use crate::pipeline::CaseReader;
use crate::telemetry::{CheckReport, Health, Metrics};

type Answer = fn(&Shared) -> Result<Response, ApiError>;

const ROUTES: [(&str, Answer); 4] = [("/", pointer), ("/livez", livez), ("/readyz", readyz), ("/metrics", metrics)];
/// What answers where the table has no line, and the label under which that is timed.
const ELSEWHERE: &str = "other";

/// What answers are made from.
pub struct Shared {
    pub metrics: Arc<Metrics>,
    pub health: Arc<Health>,
    pub cases: CaseReader,
    /// Whether cases are shown whatever name the client asked by.
    pub any_host: bool,
}

pub fn router(shared: Shared, body_bytes_max: usize) -> Router {
    let shared = Arc::new(shared);
    let at = |path: &'static str, answer: Answer| {
        let shared = Arc::clone(&shared);
        move || std::future::ready(timed(&shared, path, answer))
    };
    let mut router = Router::new();
    for (path, answer) in ROUTES {
        router = router.route(path, get(at(path, answer)));
    }
    let slots = Arc::new(Semaphore::new(api::ANSWERS_MAX));
    for (path, answer) in api::ROUTES {
        let (shared, slots) = (Arc::clone(&shared), Arc::clone(&slots));
        let handler = move |uri: Uri, headers: HeaderMap| {
            let (shared, slots) = (Arc::clone(&shared), Arc::clone(&slots));
            async move {
                let began = Instant::now();
                let answered = api::answer(Arc::clone(&shared), slots, answer, uri, headers).await;
                finish(&shared, path, began, answered)
            }
        };
        router = router.route(path, get(handler));
    }
    router
        .method_not_allowed_fallback(at(ELSEWHERE, |_| Err(ApiError::MethodNotAllowed)))
        .fallback(at(ELSEWHERE, |_| Err(ApiError::NotFound)))
        .layer(DefaultBodyLimit::max(body_bytes_max))
}

fn timed(shared: &Shared, path: &'static str, answer: Answer) -> Response {
    let began = Instant::now();
    finish(shared, path, began, answer(shared))
}

fn finish(shared: &Shared, path: &'static str, began: Instant, answered: Result<Response, ApiError>) -> Response {
    let mut response = answered.unwrap_or_else(IntoResponse::into_response);
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    shared.metrics.http_request(path, response.status().as_u16(), began.elapsed());
    response
}

fn pointer(_: &Shared) -> Result<Response, ApiError> {
    const TEXT: &str = concat!(
        "casewright ",
        env!("CARGO_PKG_VERSION"),
        "\n\n/readyz   is it working, each check by name\n/livez    is it there\n/metrics  for Prometheus\n",
        "\n/api/v1/cases               cases, newest activity first\n",
        "/api/v1/cases/{id}          one case\n/api/v1/cases/{id}/explain  why it is one\n",
    );
    Ok(TEXT.into_response())
}

/// Says only that the process answers: no check that fails is cured by a restart.
fn livez(_: &Shared) -> Result<Response, ApiError> {
    Ok("ok\n".into_response())
}

#[derive(Serialize)]
struct Readiness {
    ready: bool,
    checks: Vec<ReadyCheck>,
}

#[derive(Serialize)]
struct ReadyCheck {
    name: &'static str,
    state: &'static str,
    since_seconds: u64,
    detail: String,
}

impl From<CheckReport> for ReadyCheck {
    fn from(CheckReport { check, state, since, detail }: CheckReport) -> Self {
        Self { name: check.label(), state: state.label(), since_seconds: since.as_secs(), detail }
    }
}

fn readyz(shared: &Shared) -> Result<Response, ApiError> {
    let reports = shared.health.report();
    let ready = reports.iter().all(CheckReport::is_ok);
    let readiness = Readiness { ready, checks: reports.into_iter().map(ReadyCheck::from).collect() };
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Ok((status, axum::Json(readiness)).into_response())
}

fn metrics(shared: &Shared) -> Result<Response, ApiError> {
    let text = shared.metrics.render().map_err(ApiError::Metrics)?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}
