//! The local store is a copy: whatever happens to it, the changelog gives it back, and the daemon says what it did. Where
//! the copy says more than the changelog, or comes from elsewhere, a person must choose.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use casewright::store::{SledStore, Store as _};

use super::{UNTOLD, delete, records};
use crate::broker::Broker;
use crate::daemon::{Daemon, Sender, create_state_topic, judge, topic};

/// Starts, and answers the state hash it came to, and what it logged on the way.
fn recovered(daemon: &mut Daemon) -> (String, String) {
    let before = daemon.log().len();
    daemon.start_ready();
    let hash = daemon.recovered_hash().expect("a recovery");
    daemon.stop();
    (hash, daemon.log().split_off(before))
}

#[test]
fn a_store_that_is_lost_damaged_or_old_comes_back_from_the_changelog_alone() {
    let broker = Broker::shared();
    let mut daemon = Daemon::deploy(broker, 2);
    let mut sender = Sender::new(broker, &daemon, 2);
    sender.send(&records(2_000, 5));
    daemon.start_ready();
    daemon.await_settled(broker);
    daemon.stop();
    let old = daemon.dir.join("old");
    copy(&daemon.store(), &old);

    sender.send(&records(2_000, 6));
    daemon.start_ready();
    daemon.await_settled(broker);
    daemon.stop();
    // Each start adds its own claim, which the state hash leaves out.
    let (hash, said) = recovered(&mut daemon);
    assert!(!said.contains("building the store"), "a whole store is taken as it is: {said}");

    fs::remove_dir_all(daemon.store()).unwrap();
    let (lost, said) = recovered(&mut daemon);
    assert_eq!(lost, hash, "{said}");
    assert!(said.contains(r#""building the store from the changelog","why":"empty""#), "{said}");

    fs::remove_dir_all(daemon.store()).unwrap();
    copy(&old, &daemon.store());
    let (aged, said) = recovered(&mut daemon);
    assert_eq!(aged, hash, "{said}");
    assert!(said.contains("changelog tail applied") && !said.contains("building the store"), "{said}");

    // As a rebuild leaves it that was killed in its middle.
    SledStore::open(&daemon.store(), 16 << 20).unwrap().begin_replay().unwrap();
    let (again, said) = recovered(&mut daemon);
    assert_eq!(again, hash, "{said}");
    assert!(said.contains(r#""why":"a rebuild was interrupted""#), "{said}");
    let aside = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().contains("set-aside");
    assert_eq!(fs::read_dir(&daemon.dir).unwrap().flatten().filter(aside).count(), 0, "half a store is not kept");

    damage(&daemon.store());
    let (damaged, said) = recovered(&mut daemon);
    assert_eq!(damaged, hash, "{said}");
    let why = ["unreadable", "damaged"].map(|why| format!(r#""building the store from the changelog","why":"{why}""#));
    assert!(why.iter().any(|why| said.contains(why)), "{said}");

    let (after, said) = recovered(&mut daemon);
    assert_eq!(after, hash, "{said}");
    assert!(!said.contains("building the store"), "{said}");
    judge(broker, &daemon.name, &sender.sent, UNTOLD);
}

/// Starts, ends by itself with 1, and has named both ways out.
fn is_refused(daemon: &mut Daemon, why: &str) {
    daemon.start();
    assert_eq!(daemon.await_end(), Some(1), "{}", daemon.log());
    let log = daemon.log();
    assert!([why, "--rebuild-store", "casewright store export"].iter().all(|said| log.contains(said)), "{log}");
}

#[test]
fn a_store_of_another_cluster_is_refused_with_the_two_ways_out() {
    let broker = Broker::shared();
    let mut one = Daemon::deploy(broker, 1);
    let mut other = Daemon::deploy(broker, 1);
    let mut sender = Sender::new(broker, &other, 1);
    sender.send(&records(200, 8));
    for daemon in [&mut one, &mut other] {
        daemon.start_ready();
        daemon.await_settled(broker);
        daemon.stop();
    }
    let (own, _) = recovered(&mut other);
    fs::remove_dir_all(other.store()).unwrap();
    copy(&one.store(), &other.store());
    is_refused(&mut other, "the store belongs to changelog");

    // The one way out: what is there stays beside, and the state is this cluster's.
    other.start_with(&["--rebuild-store"]);
    other.await_ready();
    assert_eq!(other.recovered_hash(), Some(own));
    other.stop();
    let aside = fs::read_dir(&other.dir).unwrap().filter(|entry| {
        let name = entry.as_ref().unwrap().file_name().to_string_lossy().into_owned();
        name.starts_with("store") && name != "store"
    });
    assert_eq!(aside.count(), 1, "the refused store was set aside");
    judge(broker, &other.name, &sender.sent, UNTOLD);
}

#[test]
fn a_store_ahead_of_the_changelog_is_refused_with_the_two_ways_out() {
    let broker = Broker::shared();
    let mut daemon = Daemon::deploy(broker, 1);
    Sender::new(broker, &daemon, 1).send(&records(200, 9));
    daemon.start_ready();
    daemon.await_settled(broker);
    daemon.stop();
    let state = topic(&daemon.name, "state");
    delete(broker, &state);
    create_state_topic(broker, &daemon.name);
    is_refused(&mut daemon, "the changelog ends at 0");

    // The other way out, as far as the store goes: nothing in it is lost by the refusal.
    let export = daemon.command("store export").arg("state.cws").output().unwrap();
    assert!(export.status.success(), "{}", String::from_utf8_lossy(&export.stderr));
    let verified = daemon.command("store verify").output().unwrap();
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    daemon.start_with(&["--rebuild-store"]);
    daemon.await_ready();
    daemon.stop();
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target)
        } else {
            fs::copy(entry.path(), target).map(drop).unwrap()
        }
    }
}

/// Flips a byte in the middle of the longest row, wherever a file holds it: most of a file is room for later.
fn damage(store: &Path) {
    let mut longest = Vec::new();
    let open = SledStore::open(store, 8 * 1024 * 1024).unwrap();
    open.for_each(&mut |_, value| {
        if value.len() > longest.len() {
            longest = value.to_vec();
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    drop(open);
    let middle = &longest[longest.len() / 2..][..32];
    let mut flipped = 0;
    for file in files(store) {
        let mut bytes = fs::read(&file).unwrap();
        let found: Vec<usize> =
            (0..bytes.len().saturating_sub(32)).filter(|&at| bytes[at..].starts_with(middle)).collect();
        found.iter().for_each(|&at| bytes[at] ^= 0x55);
        flipped += found.len();
        fs::write(file, bytes).unwrap();
    }
    assert!(flipped > 0, "the row is in no file as it is");
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(Result::unwrap);
    entries
        .flat_map(|entry| match entry.file_type().unwrap().is_dir() {
            true => files(&entry.path()),
            false => vec![entry.path()],
        })
        .collect()
}
