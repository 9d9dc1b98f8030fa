//! Health and metrics over HTTP. It shows committed state only and decides nothing.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Serialize;
use tokio::net::TcpListener;

use crate::telemetry::{CheckState, Health, Metrics};

#[derive(Clone)]
struct Shared {
    metrics: Arc<Metrics>,
    health: Arc<Health>,
}

/// Serves until it is dropped.
pub async fn serve(listener: TcpListener, metrics: Arc<Metrics>, health: Arc<Health>) -> std::io::Result<()> {
    let router = Router::new()
        .route("/", get(index))
        .route("/livez", get(live))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics_text))
        .fallback(unknown)
        .with_state(Shared { metrics, health });
    axum::serve(listener, router).await
}

async fn index() -> &'static str {
    "casewright\n\n/livez     the process runs\n/readyz    each check, by name\n/metrics   for Prometheus\n"
}

async fn live() -> &'static str {
    "ok\n"
}

#[derive(Serialize)]
struct Check {
    name: &'static str,
    state: &'static str,
    since_seconds: u64,
    #[serde(skip_serializing_if = "String::is_empty")]
    detail: String,
}

#[derive(Serialize)]
struct Readiness {
    ready: bool,
    checks: Vec<Check>,
}

async fn ready(State(shared): State<Shared>) -> Response {
    let reports = shared.health.report();
    let ready = reports.iter().all(|report| report.state == CheckState::Ok);
    let checks = reports
        .into_iter()
        .map(|report| Check {
            name: report.check.label(),
            state: report.state.label(),
            since_seconds: report.since.as_secs(),
            detail: report.detail,
        })
        .collect();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, axum::Json(Readiness { ready, checks })).into_response()
}

async fn metrics_text(State(shared): State<Shared>) -> Response {
    match shared.metrics.render() {
        Ok(text) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response(),
        Err(error) => problem(StatusCode::INTERNAL_SERVER_ERROR, "metrics cannot be rendered", &error.to_string()),
    }
}

async fn unknown() -> Response {
    problem(StatusCode::NOT_FOUND, "no such resource", "")
}

/// RFC 9457 problem details.
fn problem(status: StatusCode, title: &str, detail: &str) -> Response {
    #[derive(Serialize)]
    struct Problem<'a> {
        r#type: &'static str,
        title: &'a str,
        status: u16,
        #[serde(skip_serializing_if = "str::is_empty")]
        detail: &'a str,
    }
    let body = Problem { r#type: "about:blank", title, status: status.as_u16(), detail };
    let json = serde_json::to_vec(&body).unwrap_or_default();
    (status, [(header::CONTENT_TYPE, "application/problem+json")], json).into_response()
}
