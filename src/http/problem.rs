//! What goes wrong in an answer, as RFC 9457 problem details. One table says the status and the name of each; the cause
//! goes to the log, never to the client.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    #[error("there is nothing at this path")]
    NotFound,
    #[error("this path does not take the method")]
    MethodNotAllowed,
    #[error("the metrics cannot be rendered")]
    Metrics(#[source] prometheus::Error),
}

#[derive(Serialize)]
struct Problem<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
}

fn status(error: &ApiError) -> (StatusCode, &'static str) {
    match error {
        ApiError::NotFound => (StatusCode::NOT_FOUND, "not-found"),
        ApiError::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed"),
        ApiError::Metrics(_) => (StatusCode::INTERNAL_SERVER_ERROR, "metrics-unavailable"),
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, name) = status(&self);
        if status.is_server_error() {
            tracing::error!(error = &self as &dyn std::error::Error, "request failed");
        }
        let r#type = format!("urn:casewright:problem:{name}");
        let problem = Problem { r#type, title: &self.to_string(), status: status.as_u16() };
        let body = serde_json::to_string(&problem).unwrap_or_default();
        (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response()
    }
}
