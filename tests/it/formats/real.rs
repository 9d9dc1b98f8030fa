//! Real alerts, where a checkout has them beside it: nearly all must be read, with a time of their own and something to
//! correlate by. They are not part of the repository.

use casewright::model::{Alert, ObservableKind, TimeFrom};
use casewright::wire::Element;

use super::decode;
use crate::data::real_alerts;

fn is_useful(alert: &Alert) -> bool {
    let names_something = !alert.entities.is_empty() || alert.observables.iter().any(|o| o.kind == ObservableKind::Ip);
    names_something && alert.event_time.from == TimeFrom::Field
}

fn check(name: &str) {
    let Some(lines) = real_alerts(name) else {
        eprintln!("no real alerts here: {name} is not beside this checkout, and was not tried");
        return;
    };
    let (mut all, mut useful) = (0_u32, 0_u32);
    for line in lines {
        let elements = decode("auto", line);
        all += 1;
        match &elements[0] {
            Element::Alert(alert) if is_useful(alert) => useful += 1,
            other => eprintln!("{name}:{all}: {other:?}"),
        }
    }
    eprintln!("{name}: {useful} of {all} alerts have a time and an entity or an address");
    assert!(f64::from(useful) >= 0.999 * f64::from(all), "{useful} of {all}");
}

#[test]
fn windows_sigma_concurrent() {
    check("windows-sigma-concurrent");
}

#[test]
fn cptc_2017() {
    check("cptc-2017");
}

#[test]
fn wazuh_ait() {
    check("wazuh-ait");
}
