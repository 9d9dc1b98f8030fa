//! Where cases are read from: a daemon's API, or the files of a replay. Both answer with the API's JSON.

use super::client::Client;
use super::events::Events;
use super::files;
use super::{Filter, ReadArgs};
use crate::app::{AppError, load_config};
use crate::model::{AlertId, CaseId};

const CASES: &str = "/api/v1/cases";

pub enum Source<'a> {
    Api(Client),
    Files { args: &'a ReadArgs, holds_permille: u16 },
}

impl<'a> Source<'a> {
    pub fn of(args: &'a ReadArgs) -> Result<Self, AppError> {
        if args.cases.is_some() || args.events.is_some() {
            return Ok(Self::Files { args, holds_permille: load_config(&args.config)?.policy.attach_permille });
        }
        let url = match &args.url {
            Some(url) => url.clone(),
            None => format!("http://{}", crate::app::health::reachable(load_config(&args.config)?.http.bind)),
        };
        Ok(Self::Api(Client::new(&url)?))
    }

    pub fn list(&self, filter: &Filter, cursor: Option<&str>) -> Result<Vec<u8>, AppError> {
        match self {
            Self::Api(client) => client.get(CASES, &query(filter, cursor)),
            Self::Files { args, .. } => files::list(views(args)?, filter),
        }
    }

    pub fn show(&self, case: &CaseId) -> Result<Vec<u8>, AppError> {
        match self {
            Self::Api(client) => client.get(&format!("{CASES}/{case}"), &[]),
            Self::Files { args, .. } => files::show(views(args)?, case),
        }
    }

    pub fn explain(&self, case: &CaseId, alerts: &[AlertId]) -> Result<Vec<u8>, AppError> {
        match self {
            Self::Api(client) => {
                let query: Vec<(&str, String)> = alerts.iter().map(|alert| ("alert", alert.to_string())).collect();
                client.get(&format!("{CASES}/{case}/explain"), &query)
            }
            Self::Files { args, holds_permille } => {
                let file = args.events.as_deref();
                let file = file.ok_or_else(|| AppError::Usage("--events: events tell why a case is one".to_owned()))?;
                Events::read(file, &case.tenant, alerts)?.explain(case, alerts, *holds_permille)
            }
        }
    }
}

fn views(args: &ReadArgs) -> Result<&std::path::Path, AppError> {
    args.cases.as_deref().ok_or_else(|| AppError::Usage("--cases: cases are in the file of views".to_owned()))
}

fn query(filter: &Filter, cursor: Option<&str>) -> Vec<(&'static str, String)> {
    let Filter { tenant, status, band, roll_up, owner, order, limit } = filter;
    let mut query = vec![("order", order.clone()), ("limit", limit.to_string())];
    query.extend(tenant.as_ref().map(|tenant| ("tenant", tenant.to_string())));
    query.extend((!status.is_empty()).then(|| ("status", status.join(","))));
    query.extend(band.as_ref().map(|band| ("band", band.clone())));
    query.extend(roll_up.map(|roll_up| ("roll_up", roll_up.to_string())));
    query.extend(owner.as_ref().map(|owner| ("owner", owner.clone())));
    query.extend(cursor.map(|cursor| ("cursor", cursor.to_owned())));
    query
}
