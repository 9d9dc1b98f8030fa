//! A broker that dies or stands still while alerts flow, and one that lets nobody in without a password over TLS.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::{UNTOLD, endless, records};
use crate::broker::{Broker, SCRAM_PASSWORD};
use crate::daemon::{Daemon, Sender, judge};

/// The load went on while `away` ran.
fn under_load(handed: &AtomicUsize, away: impl FnOnce()) {
    let before = handed.load(Ordering::Relaxed);
    away();
    let during = handed.load(Ordering::Relaxed) - before;
    assert!(during > 100, "only {during} records were sent meanwhile");
}

#[test]
fn a_broker_that_is_killed_or_stands_still_under_load_costs_nothing_and_no_restart() {
    let broker = Broker::own();
    let mut daemon = Daemon::deploy(&broker, 2);
    daemon.start_ready();
    let mut sender = Sender::new(&broker, &daemon, 2);
    sender.while_flowing(endless(31), |handed| {
        daemon.await_outcomes(1_000);
        under_load(handed, || {
            broker.kill9();
            broker.restart();
        });
        daemon.await_outcomes(daemon.outcomes() + 1_000);
        under_load(handed, || {
            broker.stop_signal();
            // Past the session of the lease, and past every time-out of a single request.
            std::thread::sleep(Duration::from_secs(15));
            broker.cont_signal();
        });
        daemon.await_outcomes(daemon.outcomes() + 1_000);
    });
    daemon.await_settled(&broker);
    // Only what was committed is counted, so a batch that was aborted and done again counts once.
    daemon.await_outcomes(sender.elements());
    assert_eq!(daemon.outcomes(), sender.elements());
    daemon.await_ready();
    daemon.stop();
    judge(&broker, &daemon.name, &sender.sent, UNTOLD);
    assert_eq!(daemon.said("\"starting\""), 1, "{}", daemon.log());
}

#[test]
fn scram_over_tls_works_through_the_daemon_and_a_wrong_password_is_told() {
    let broker = Broker::own_with_scram();
    let mut daemon = Daemon::secured(&broker, SCRAM_PASSWORD);
    let text = fs::read_to_string(daemon.config()).unwrap();
    assert!(text.contains("SASL_SSL") && text.contains("SCRAM-SHA-512") && !text.contains(SCRAM_PASSWORD), "{text}");
    for command in ["topics create --inputs 2", "topics check"] {
        let made = daemon.command(command).output().unwrap();
        assert!(made.status.success(), "{command}: {made:?}");
    }
    let mut sender = Sender::new(&broker, &daemon, 2);
    sender.send(&records(500, 95));
    daemon.start_ready();
    daemon.await_settled(&broker);
    daemon.stop();
    judge(&broker, &daemon.name, &sender.sent, UNTOLD);

    const WRONG: &str = "not-the-password";
    fs::write(daemon.dir.join("password"), WRONG).unwrap();
    daemon.start();
    daemon.await_log("uthentication failed");
    assert!(daemon.get("/readyz").is_some_and(|answer| answer.starts_with("HTTP/1.1 503")));
    assert!(!daemon.log().contains(SCRAM_PASSWORD) && !daemon.log().contains(WRONG), "{}", daemon.log());
    daemon.stop();
}
