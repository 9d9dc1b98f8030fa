//! Who runs the shard, and what takes over when that ends: a standby, a successor, or the same process after a signal.

use std::time::{Duration, Instant};

use super::{UNTOLD, endless, records};
use crate::broker::Broker;
use crate::daemon::{Daemon, Sender, judge, topic};

/// From the death of the owner to a standby that serves.
const TAKEOVER_MAX: Duration = Duration::from_secs(15);
const WAITING: &str = "another instance holds the lease";

#[test]
fn the_second_instance_waits_and_takes_over_within_fifteen_seconds() {
    let broker = Broker::shared();
    let mut first = Daemon::deploy(broker, 2);
    let mut second = Daemon::beside(broker, &first.name);
    let mut sender = Sender::new(broker, &first, 2);
    sender.send(&records(2_000, 21));
    first.start_ready();
    first.await_settled(broker);
    second.start();
    second.await_answer(WAITING);
    let mut taken = Duration::ZERO;
    sender.while_flowing(endless(22), |_| {
        first.await_outcomes(2_500);
        assert_eq!((second.outcomes(), first.said("\"not holding the lease\"")), (0, 0), "{}", first.log());
        let killed = Instant::now();
        first.kill9();
        // Ready only when it holds the lease and has recovered.
        second.await_ready();
        taken = killed.elapsed();
    });
    assert!(taken <= TAKEOVER_MAX, "it took {taken:?}\n{}", second.log());
    second.await_settled(broker);
    second.stop();
    judge(broker, &first.name, &sender.sent, UNTOLD);
}

#[test]
fn an_owner_that_stands_still_past_its_session_doubles_nothing_when_it_wakes() {
    let broker = Broker::shared();
    let mut first = Daemon::deploy(broker, 2);
    let mut second = Daemon::beside(broker, &first.name);
    let mut sender = Sender::new(broker, &first, 2);
    first.start_ready();
    second.start();
    second.await_answer(WAITING);
    sender.while_flowing(endless(41), |_| {
        // Stopped in the midst of its work, with a transaction under way or about to be.
        first.await_outcomes(500);
        first.signal("-STOP");
        second.await_ready();
        second.await_outcomes(500);
        first.signal("-CONT");
        first.await_answer(WAITING);
        second.await_outcomes(1_000);
    });
    second.await_settled(broker);
    second.stop();
    first.kill9();
    judge(broker, &first.name, &sender.sent, UNTOLD);
}

#[test]
fn sigterm_under_load_ends_with_0_gives_the_lease_back_and_loses_nothing() {
    let broker = Broker::shared();
    let mut daemon = Daemon::deploy(broker, 2);
    // A lease that is not given back would hold the next process up for longer than anybody waits here.
    daemon.set("PIPELINE__LEASE_TIMEOUT", "2m");
    let mut sender = Sender::new(broker, &daemon, 2);
    sender.while_flowing(endless(81), |_| {
        for _ in 0..3 {
            daemon.start_ready();
            daemon.await_outcomes(300);
            daemon.stop();
        }
    });
    daemon.start_ready();
    daemon.await_settled(broker);
    daemon.stop();
    judge(broker, &daemon.name, &sender.sent, UNTOLD);
}

#[test]
fn a_second_signal_ends_at_once_what_cannot_finish_its_batch() {
    let broker = Broker::own();
    let mut daemon = Daemon::deploy(&broker, 1);
    daemon.set("PIPELINE__SHUTDOWN_DEADLINE", "5m");
    let mut sender = Sender::new(&broker, &daemon, 1);
    sender.while_flowing(endless(82), |_| {
        daemon.start_ready();
        daemon.await_outcomes(100);
        broker.stop_signal();
        daemon.signal("-TERM");
        daemon.await_log("stopping: finishing the last batch");
        daemon.signal("-TERM");
        let end = daemon.await_end();
        broker.cont_signal();
        assert_eq!(end, Some(0), "{}", daemon.log());
    });
    assert_eq!(daemon.said("ending before the last batch was finished"), 1, "{}", daemon.log());
    daemon.start_ready();
    daemon.await_settled(&broker);
    daemon.stop();
    judge(&broker, &daemon.name, &sender.sent, UNTOLD);
}

/// Another producer's open transaction on the changelog keeps a reader from what was committed behind it. A daemon that
/// went on regardless would take the hidden rows for never written.
#[test]
fn a_foreign_transaction_that_hangs_on_the_changelog_delays_the_start_and_hides_nothing() {
    let broker = Broker::shared();
    let mut daemon = Daemon::deploy(broker, 1);
    let mut sender = Sender::new(broker, &daemon, 1);
    sender.send(&records(300, 91));
    daemon.start_ready();
    daemon.await_settled(broker);
    let client = broker.client("foreign");
    let foreign = client.producer(&topic(&daemon.name, "foreign")).unwrap();
    foreign.init(Duration::from_secs(30)).unwrap();
    foreign.begin().unwrap();
    foreign.send(&topic(&daemon.name, "state"), Some(0), Some(b"foreign"), Some(b"row"), &[]).unwrap();
    foreign.drain(Duration::from_secs(30)).unwrap();
    sender.send(&records(300, 92));
    daemon.await_settled(broker);
    daemon.stop();

    // Without its store it has nothing but the changelog to learn from what it did behind the open transaction.
    std::fs::remove_dir_all(daemon.store()).unwrap();
    let settled = sender.elements();
    sender.send(&records(300, 93));
    daemon.start();
    daemon.await_answer("waiting for a foreign transaction on the changelog to end");
    assert!(daemon.get("/readyz").is_some_and(|answer| answer.starts_with("HTTP/1.1 503")));
    assert!(daemon.said("a foreign transaction is open on the changelog and hides records") > 0, "{}", daemon.log());
    assert_eq!((daemon.outcomes(), daemon.said("\"serving\"")), (0, 1), "it waits: {}", daemon.log());

    foreign.abort().unwrap();
    daemon.await_ready();
    daemon.await_settled(broker);
    daemon.await_outcomes(sender.elements() - settled);
    assert_eq!(daemon.outcomes(), sender.elements() - settled, "only what was new: {}", daemon.log());
    daemon.stop();
    judge(broker, &daemon.name, &sender.sent, UNTOLD);
}
