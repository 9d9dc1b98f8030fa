//! The API that reads cases: the lines of its table, how many are answered at once and from where, and what the parts of a
//! request mean. Cases are read from the store, which blocks, so each answer is made on a thread for such work.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use tokio::sync::Semaphore;

use super::problem::ApiError;
use super::route::Shared;
use crate::model::{AlertId, CaseId, CaseStatus, Tenant};
use crate::pipeline::{CaseReader, Cursor, Found, ListQuery, Order};

pub type ApiAnswer = fn(&CaseReader, &Request) -> Result<Response, ApiError>;

const CASES: &str = "/api/v1/cases";

pub const ROUTES: [(&str, ApiAnswer); 3] =
    [(CASES, list), ("/api/v1/cases/{id}", show), ("/api/v1/cases/{id}/explain", explain)];

/// Answers in the making; who comes later waits, and not for long.
pub const ANSWERS_MAX: usize = 8;
const SLOT_WAIT_MAX: Duration = Duration::from_secs(2);

const LIMIT_DEFAULT: usize = 50;
const LIMIT_MAX: usize = 500;
/// An alert, or the two ends of a path.
const ALERTS_MAX: usize = 2;

/// What an answer hangs on.
pub struct Request {
    uri: Uri,
    headers: HeaderMap,
}

pub async fn answer(
    shared: Arc<Shared>,
    slots: Arc<Semaphore>,
    answer: ApiAnswer,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let request = Request { uri, headers };
    if !shared.any_host && !request.names_this_machine() {
        return Err(ApiError::WrongHost);
    }
    let slot = tokio::time::timeout(SLOT_WAIT_MAX, slots.acquire_owned()).await;
    let Ok(Ok(slot)) = slot else { return Err(ApiError::Crowded) };
    let work = move || {
        let answered = answer(&shared.cases, &request);
        drop(slot);
        answered
    };
    tokio::task::spawn_blocking(work).await.map_err(ApiError::Broken)?
}

fn list(cases: &CaseReader, request: &Request) -> Result<Response, ApiError> {
    Ok(json(cases.list(&list_query(request)?)?))
}

fn show(cases: &CaseReader, request: &Request) -> Result<Response, ApiError> {
    let case = request.case()?;
    match cases.show(&case)? {
        Found::Case { seq, json: body } => {
            let tag = format!("\"{seq}\"");
            if request.knows(&tag) {
                return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
            }
            Ok(tagged(tag, json(body)))
        }
        Found::Merged(survivor) => Ok(moved(format!("{CASES}/{survivor}"))),
    }
}

fn explain(cases: &CaseReader, request: &Request) -> Result<Response, ApiError> {
    let (case, alerts) = (request.case()?, request.alerts()?);
    match cases.explain(&case, &alerts)? {
        Found::Case { seq, json: body } => Ok(tagged(format!("\"{seq}\""), json(body))),
        Found::Merged(survivor) => {
            let query = request.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
            Ok(moved(format!("{CASES}/{survivor}/explain{query}")))
        }
    }
}

fn json(body: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

fn tagged(tag: String, response: Response) -> Response {
    let tag: [(HeaderName, String); 1] = [(header::ETAG, tag)];
    (tag, response).into_response()
}

/// For good as far as a client can know: a merge that is undone gives the id its case back, so it asks again next time.
fn moved(to: String) -> Response {
    (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, to)]).into_response()
}

impl Request {
    /// The case in the path. What is no case id is a case that is not there.
    fn case(&self) -> Result<CaseId, ApiError> {
        let rest = self.uri.path().strip_prefix(CASES).unwrap_or_default().trim_start_matches('/');
        let id = rest.split('/').next().unwrap_or_default();
        CaseId::parse(id).ok_or_else(|| ApiError::NoSuchCase(id.chars().take(80).collect()))
    }

    fn alerts(&self) -> Result<Vec<AlertId>, ApiError> {
        let mut alerts = Vec::new();
        for (name, value) in self.query() {
            if name != "alert" {
                return Err(unknown(&name));
            }
            let id = AlertId::parse(&value).ok_or_else(|| bad("`alert` is an alert id of 32 hexadecimal digits"))?;
            alerts.push(id);
        }
        if alerts.len() > ALERTS_MAX { Err(bad("`alert` is given once or twice")) } else { Ok(alerts) }
    }

    fn query(&self) -> impl Iterator<Item = (String, String)> + '_ {
        let query = url::form_urlencoded::parse(self.uri.query().unwrap_or_default().as_bytes());
        query.map(|(name, value)| (name.into_owned(), value.into_owned()))
    }

    /// A page of another name that resolves to this machine would otherwise read what its visitor may read.
    fn names_this_machine(&self) -> bool {
        let named = self.headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let Some(host) = named.or_else(|| self.uri.host()) else { return false };
        let name = match host.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or_default(),
            None => host.split(':').next().unwrap_or_default(),
        };
        name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok()
    }

    fn knows(&self, tag: &str) -> bool {
        let known = self.headers.get(header::IF_NONE_MATCH).and_then(|known| known.to_str().ok());
        known.is_some_and(|known| known.split(',').any(|one| one.trim().trim_start_matches("W/") == tag))
    }
}

fn list_query(request: &Request) -> Result<ListQuery, ApiError> {
    let mut query = ListQuery { limit: LIMIT_DEFAULT, ..ListQuery::default() };
    let (mut seen, mut cursor) = (Vec::new(), None);
    for (name, value) in request.query() {
        match name.as_str() {
            "tenant" => query.tenant = Some(Tenant::parse(&value).map_err(|error| bad(error.to_string()))?),
            "status" => query.statuses = statuses(&value)?,
            "band" => query.band = Some(band(value)?),
            "roll_up" => query.roll_up = Some(value.parse().map_err(|_| bad("`roll_up` is true or false"))?),
            "owner" => query.owner = Some(value),
            "order" => query.order = order(&value)?,
            "limit" => query.limit = limit(&value)?,
            "cursor" => cursor = Some(value),
            _ => return Err(unknown(&name)),
        }
        if seen.contains(&name) {
            return Err(bad(format!("`{name}` is given twice")));
        }
        seen.push(name);
    }
    query.after =
        cursor.map(|raw| Cursor::parse(&raw, query.order)).transpose().map_err(|error| bad(error.to_string()))?;
    Ok(query)
}

/// One or several with commas between; `open` stands for all that are.
fn statuses(value: &str) -> Result<Vec<CaseStatus>, ApiError> {
    let mut statuses = Vec::new();
    for label in value.split(',') {
        if label == "open" {
            statuses.extend(CaseStatus::ALL.into_iter().filter(|status| status.is_open()));
        } else {
            let labels = || CaseStatus::ALL.map(CaseStatus::label).join(", ");
            let known = CaseStatus::from_label(label);
            statuses.push(known.ok_or_else(|| bad(format!("`status` is open, {}", labels())))?);
        }
    }
    Ok(statuses)
}

fn band(value: String) -> Result<String, ApiError> {
    const BANDS: [&str; 5] = ["P1", "P2", "P3", "P4", "informational"];
    if BANDS.contains(&value.as_str()) { Ok(value) } else { Err(bad(format!("`band` is {}", BANDS.join(", ")))) }
}

fn order(value: &str) -> Result<Order, ApiError> {
    match value {
        "activity" => Ok(Order::Activity),
        "priority" => Ok(Order::Priority),
        _ => Err(bad("`order` is activity or priority")),
    }
}

fn limit(value: &str) -> Result<usize, ApiError> {
    let limit = value.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit));
    limit.ok_or_else(|| bad(format!("`limit` is 1 to {LIMIT_MAX}")))
}

fn bad(detail: impl Into<String>) -> ApiError {
    ApiError::BadRequest(detail.into())
}

fn unknown(name: &str) -> ApiError {
    let name: String = name.chars().take(40).filter(|c| !c.is_control()).collect();
    bad(format!("there is no parameter `{name}`"))
}
