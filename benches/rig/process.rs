//! What `/proc` says about a process: CPU time, by thread too, and memory.

use std::fs;

/// The kernel's unit for CPU time in `/proc`, the same on every Linux of the last twenty years.
const TICKS_PER_SECOND: f64 = 100.0;

/// User and system time of all threads that ever were, in seconds; 0 for a process that is gone.
pub fn cpu_seconds(pid: u32) -> f64 {
    stat(&format!("/proc/{pid}/stat")).map_or(0.0, |(_, seconds)| seconds)
}

pub fn own_cpu_seconds() -> f64 {
    cpu_seconds(std::process::id())
}

/// Living threads by name, the busiest first; threads of one name are added up.
pub fn thread_seconds(pid: u32) -> Vec<(String, f64)> {
    let mut threads: Vec<(String, f64)> = Vec::new();
    let entries = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().filter_map(Result::ok);
    for (name, seconds) in entries.filter_map(|entry| stat(&entry.path().join("stat").display().to_string())) {
        match threads.iter_mut().find(|(known, _)| *known == name) {
            Some((_, sum)) => *sum += seconds,
            None => threads.push((name, seconds)),
        }
    }
    threads.sort_by(|a, b| b.1.total_cmp(&a.1));
    threads
}

/// `VmRSS` or `VmHWM`, in MiB.
pub fn memory_mib(pid: u32, field: &str) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    let kib: f64 = line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0.0);
    kib / 1_024.0
}

/// Whether it still runs: a process that has ended and was not waited for does not.
pub fn is_running(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

fn stat(path: &str) -> Option<(String, f64)> {
    let text = fs::read_to_string(path).ok()?;
    let (front, rest) = text.rsplit_once(") ")?;
    let (_, name) = front.split_once('(')?;
    // utime and stime are fields 14 and 15 of all; `rest` begins with the third.
    let ticks: f64 = rest.split(' ').skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum();
    Some((name.to_owned(), ticks / TICKS_PER_SECOND))
}
