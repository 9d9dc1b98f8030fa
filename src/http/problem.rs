//! What goes wrong in an answer, as RFC 9457 problem details. One table says the status and the name of each; the cause
//! goes to the log, never to the client.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::pipeline::ReadError;

#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    #[error("there is nothing at this path")]
    NotFound,
    #[error("this path does not take the method")]
    MethodNotAllowed,
    #[error("the metrics cannot be rendered")]
    Metrics(#[source] prometheus::Error),
    #[error("the request is not one that is understood")]
    BadRequest(String),
    #[error("there is no case {0}")]
    NoSuchCase(String),
    #[error("this host name is not served")]
    WrongHost,
    #[error("too many requests are being answered")]
    Crowded,
    #[error("an answer could not be made")]
    Broken(#[source] tokio::task::JoinError),
    #[error(transparent)]
    Read(#[from] ReadError),
}

#[derive(Serialize)]
struct Problem<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
}

fn status(error: &ApiError) -> (StatusCode, &'static str) {
    match error {
        ApiError::NotFound => (StatusCode::NOT_FOUND, "not-found"),
        ApiError::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed"),
        ApiError::Metrics(_) => (StatusCode::INTERNAL_SERVER_ERROR, "metrics-unavailable"),
        ApiError::BadRequest(_) => (StatusCode::BAD_REQUEST, "bad-request"),
        ApiError::WrongHost => (StatusCode::MISDIRECTED_REQUEST, "wrong-host"),
        ApiError::Crowded => (StatusCode::SERVICE_UNAVAILABLE, "crowded"),
        ApiError::Broken(_) => (StatusCode::INTERNAL_SERVER_ERROR, "broken"),
        ApiError::NoSuchCase(_) | ApiError::Read(ReadError::NoSuchCase(_)) => (StatusCode::NOT_FOUND, "no-such-case"),
        ApiError::Read(ReadError::NoSuchAlert { .. }) => (StatusCode::NOT_FOUND, "no-such-alert"),
        ApiError::Read(ReadError::NotServing) => (StatusCode::SERVICE_UNAVAILABLE, "not-serving"),
        ApiError::Read(ReadError::Busy) => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
        ApiError::Read(ReadError::TookTooLong) => (StatusCode::SERVICE_UNAVAILABLE, "took-too-long"),
        ApiError::Read(ReadError::Store(_)) => (StatusCode::SERVICE_UNAVAILABLE, "store-unavailable"),
    }
}

/// Of ours, and not of the client or the moment.
const fn is_a_fault(error: &ApiError) -> bool {
    matches!(error, ApiError::Metrics(_) | ApiError::Broken(_) | ApiError::Read(ReadError::Store(_)))
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, name) = status(&self);
        if is_a_fault(&self) {
            tracing::error!(error = &self as &dyn std::error::Error, "request failed");
        }
        let detail = match &self {
            Self::BadRequest(detail) => Some(detail.as_str()),
            Self::WrongHost => Some("cases are shown under an address or `localhost`; `http.insecure` lifts this"),
            Self::NotFound
            | Self::MethodNotAllowed
            | Self::Metrics(_)
            | Self::NoSuchCase(_)
            | Self::Crowded
            | Self::Broken(_)
            | Self::Read(_) => None,
        };
        let r#type = format!("urn:casewright:problem:{name}");
        let problem = Problem { r#type, title: &self.to_string(), status: status.as_u16(), detail };
        let body = serde_json::to_string(&problem).unwrap_or_default();
        (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response()
    }
}
