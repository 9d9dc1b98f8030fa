//! One story per rule of the design.

use super::check;

#[test]
fn alerts_of_one_host_are_one_case() {
    check(
        "
         0s  alert a1 host=web-1
        30s  alert a2 host=web-1
        -- case-1 opened by a1
        -- case-1 joined by a2
        ",
    );
}

#[test]
fn alerts_of_two_hosts_are_two_cases() {
    check(
        "
         0s  alert a1 host=web-1
        30s  alert a2 host=web-2
        -- case-1 opened by a1
        -- case-2 opened by a2
        ",
    );
}

#[test]
fn a_host_gathers_for_an_hour_after_it_was_last_seen() {
    check(
        "
        0s     alert a1 host=web-1
        59m    alert a2 host=web-1
        1h59m  alert a3 host=web-1
        -- case-1 opened by a1
        -- case-1 joined by a2 in a new part
        -- case-1 joined by a3 in a new part
        3h     alert a4 host=web-1
        -- case-2 opened by a4
        ",
    );
}

#[test]
fn a_user_carries_a_case_to_another_host_as_a_part_of_its_own() {
    check(
        "
        0s   alert a1 host=web-1 user=bob
        30s  alert a2 host=db-1 user=bob
        40s  alert a3 host=db-1
        -- case-1 opened by a1
        -- case-1 joined by a2 in a new part
        -- case-1 joined by a3 in a new part
        ",
    );
}

#[test]
fn tenants_never_meet() {
    check(
        "
        0s   alert a1 host=web-1 user=bob src=8.8.8.8 hash=abc
        30s  alert a2 host=web-1 user=bob src=8.8.8.8 hash=abc tenant=acme
        -- case-1 opened by a1
        -- acme-1 opened by a2
        ",
    );
}

#[test]
fn a_lone_weak_key_never_joins_and_two_independent_ones_do() {
    check(
        "
        0s   alert a1 host=web-1 hash=abc domain=evil.example
        10s  alert a2 host=web-2 hash=abc
        20s  alert a3 host=web-3 hash=abc domain=evil.example
        -- case-1 opened by a1
        -- case-2 opened by a2
        -- case-1 joined by a3 in a new part
        ",
    );
}

#[test]
fn weak_keys_of_one_piece_are_one_piece() {
    check(
        "
        0s   alert a1 host=web-1 hash=abc path=/tmp/x
        10s  alert a2 host=web-2 hash=abc path=/tmp/x
        -- case-1 opened by a1
        -- case-2 opened by a2
        ",
    );
}

#[test]
fn what_both_merely_mention_is_weak() {
    check(
        "
        0s   alert a1 host=web-1 mention=dc-1
        10s  alert a2 host=web-2 mention=dc-1
        -- case-1 opened by a1
        -- case-2 opened by a2
        20s  alert a3 host=dc-1
        -- case-1 joined by a3 in a new part
        -- case-2 merged into case-1
        -- case-1 took case-2
        ",
    );
}

#[test]
fn the_target_of_one_is_the_machine_of_the_next() {
    check(
        "
        0s   alert a1 host=web-1 mention=db-1
        10s  alert a2 host=web-2 target=db-1
        -- case-1 opened by a1
        -- case-1 joined by a2 in a new part
        ",
    );
}

#[test]
fn context_and_ignored_values_link_nothing() {
    check(
        "
        0s   alert a1 host=web-1 context=dc-1 src=8.8.8.8 ignored
        10s  alert a2 host=dc-1
        20s  alert a3 host=web-2 src=8.8.8.8 ignored
        -- case-1 opened by a1
        -- case-2 opened by a2
        -- case-3 opened by a3
        ",
    );
}

#[test]
fn values_that_say_nothing_link_nothing() {
    check(
        "
        0s   alert a1 host=web-1 user=system path=c:\\windows\\cmd.exe src=127.0.0.1
        10s  alert a2 host=web-2 user=system path=c:\\windows\\cmd.exe src=127.0.0.1
        20s  alert a3 host=web-3 user=nt\u{20}authority\\system
        -- case-1 opened by a1
        -- case-2 opened by a2
        -- case-3 opened by a3
        ",
    );
}

#[test]
fn administrator_is_another_one_on_every_machine() {
    check(
        "
        0s   alert a1 host=web-1 user=administrator
        10s  alert a2 host=web-2 user=administrator
        20s  alert a3 host=web-3 user=acme\\bob
        30s  alert a4 host=web-4 user=bob@acme.example
        -- case-1 opened by a1
        -- case-2 opened by a2
        -- case-3 opened by a3
        -- case-3 joined by a4 in a new part
        ",
    );
}

#[test]
fn a_machine_account_is_its_machine() {
    check(
        "
        0s   alert a1 host=web-1
        10s  alert a2 host=web-2 user=acme\\web-1$
        -- case-1 opened by a1
        -- case-1 joined by a2 in a new part
        ",
    );
}

#[test]
fn private_addresses_are_others_at_another_site() {
    check(
        "
        0s   alert a1 host=web-1 src=10.0.0.9 site=north
        10s  alert a2 host=web-2 src=10.0.0.9 site=south
        20s  alert a3 host=web-3 src=10.0.0.9 site=north
        -- case-1 opened by a1
        -- case-2 opened by a2
        -- case-1 joined by a3 in a new part
        ",
    );
}

#[test]
fn an_excluded_alert_stays_alone_and_gathers_nothing() {
    check(
        "
        0s   alert a1 host=web-1
        10s  alert a2 host=web-1 exclude
        20s  alert a3 host=web-2 exclude
        30s  alert a4 host=web-2
        -- case-1 opened by a1
        -- case-2 opened by a2
        -- case-3 opened by a3
        -- case-4 opened by a4
        ",
    );
}

#[test]
fn the_senders_group_key_gathers() {
    check(
        "
        0s   alert a1 host=web-1 group=g7
        10s  alert a2 host=web-2 group=g7
        -- case-1 opened by a1
        -- case-1 joined by a2 in a new part
        ",
    );
}

#[test]
fn a_repeat_is_counted_and_told_before_anything_else_of_its_case() {
    check(
        "
        0s   alert a1 host=web-1 rule=r
        10s  alert a2 host=web-1 rule=r
        20s  alert a3 host=web-1 rule=r
        -- case-1 opened by a1
        -- case-1 repeated beside a1 x1
        -- a2 duplicate in case-1
        -- a3 duplicate in case-1
        30s  alert b1 host=web-1 rule=other
        -- case-1 repeated a1 x1
        -- case-1 joined by b1
        ",
    );
}

#[test]
fn a_repeat_is_told_when_the_watermark_has_moved_on() {
    check(
        "
        0s   alert a1 host=web-1 rule=r
        10s  alert a2 host=web-1 rule=r
        -- case-1 opened by a1
        -- case-1 repeated beside a1 x1
        -- a2 duplicate in case-1
        59s  advance

        ",
    );
}

#[test]
fn repeats_slide_and_end_a_day_after_the_first() {
    check(
        "
        policy dedup_max=90m quiet=10d
        0s   alert a1 host=web-1 rule=r file
        50m  alert a2 host=web-1 rule=r file
        80m  alert a3 host=web-1 rule=r file
        95m  alert a4 host=web-1 rule=r file
        -- case-1 opened by a1
        -- case-1 repeated beside a1 x1
        -- case-1 repeated beside a1 x1
        -- case-1 joined by a4 in a new part
        -- a2 duplicate in case-1
        -- a3 duplicate in case-1
        ",
    );
}

#[test]
fn the_same_alert_again_is_a_duplicate_and_a_newer_revision_an_update() {
    check(
        "
        0s   alert a1 host=web-1 rev=1
        10s  alert a1 host=web-1 rev=1
        20s  alert a1 host=web-1 rev=2 sev=high
        -- case-1 opened by a1
        -- case-1 repeated a1 x1
        -- case-1 updated by a1
        -- case-1 severity high
        -- a1 duplicate in case-1
        30s  alert a1 host=web-1 rev=2 sev=high
        -- a1 duplicate in case-1
        40s  alert a1 host=web-1 rev=2 sev=high activity=close
        -- case-1 repeated a1 x1
        -- case-1 updated by a1
        50s  alert a1 host=web-1 rev=2 sev=high activity=close
        -- a1 duplicate in case-1
        60m  advance
        -- case-1 repeated a1 x1
        ",
    );
}

#[test]
fn a_known_alert_never_touches_a_closed_case() {
    check(
        "
        0s   alert a1 host=web-1 rev=1
        10s  close case-1 verdict=benign_positive
        20s  alert a1 host=web-1 rev=1
        -- case-1 opened by a1
        -- case-1 closed
        -- a1 duplicate in case-1
        30s  alert a1 host=web-1 rev=2
        -- a1 updated in case-1
        40s  alert a2 id=a2 host=web-1 rev=1
        -- case-1 reopened
        -- case-1 joined by a2
        ",
    );
}

#[test]
fn a_bridging_alert_merges_and_the_older_case_survives() {
    check(
        "
        0s   alert a1 host=web-1
        10s  alert a2 user=bob
        20s  alert a3 host=web-1 user=bob
        -- case-1 opened by a1
        -- case-2 opened by a2
        -- case-1 joined by a3 in a new part
        -- case-2 merged into case-1
        -- case-1 took case-2
        30s  alert a4 user=bob
        -- case-1 joined by a4
        40s  close case-2
        -- refused: merged
        ",
    );
}

#[test]
fn an_undone_merge_gives_the_case_back_and_is_not_made_again() {
    check(
        "
        0s   alert a1 host=web-1
        10s  alert a2 user=bob sev=high
        20s  status case-2 triage
        30s  alert a3 host=web-1 user=bob
        -- case-1 opened by a1
        -- case-2 opened by a2
        -- case-2 status triage
        -- case-1 joined by a3 in a new part
        -- case-2 merged into case-1
        -- case-1 took case-2
        -- case-1 severity high
        40s  undo case-1 case-2
        -- case-1 loses 1 edges: person
        -- case-1 gave back case-2
        -- case-2 parted from case-1
        -- case-1 severity medium
        50s  undo case-1 case-2
        -- refused: not_merged
        60s  alert a4 host=web-1 user=bob rule=r4
        -- case-1 joined by a4
        -- case-1 refused case-2: kept_apart
        -- case-2 linked case-1
        70s  alert a5 host=web-1 user=bob rule=r5
        -- case-1 joined by a5
        ",
    );
}

#[test]
fn a_chain_of_merges_comes_apart_in_any_order() {
    let chain = "
        0s   alert a1 host=h1
        1s   alert a2 host=h2
        2s   alert a3 host=h3
        3s   merge case-2 case-3
        4s   merge case-1 case-2
        -- case-1 opened by a1
        -- case-2 opened by a2
        -- case-3 opened by a3
        -- case-3 merged into case-2
        -- case-2 took case-3
        -- case-2 merged into case-1
        -- case-1 took case-2
        ";
    let outer_first = "
        5s   undo case-1 case-2
        -- case-1 loses 1 edges: person
        -- case-1 gave back case-2
        -- case-2 parted from case-1
        6s   undo case-2 case-3
        -- case-2 loses 1 edges: person
        -- case-2 gave back case-3
        -- case-3 parted from case-2
        ";
    let inner_first = "
        5s   undo case-1 case-3
        -- case-1 loses 1 edges: person
        -- case-1 gave back case-3
        -- case-3 parted from case-1
        6s   undo case-1 case-2
        -- case-1 loses 1 edges: person
        -- case-1 gave back case-2
        -- case-2 parted from case-1
        ";
    check(&[chain, outer_first].concat());
    check(&[chain, inner_first].concat());
}

#[test]
fn what_hung_on_the_case_that_leaves_is_told_where_it_belongs_now() {
    check(
        "
        0s   alert a1 host=h1
        1s   alert a2 host=h2
        2s   alert a3 host=h3 user=eve
        3s   merge case-2 case-3
        4s   alert a4 host=h1 user=eve
        -- case-1 opened by a1
        -- case-2 opened by a2
        -- case-3 opened by a3
        -- case-3 merged into case-2
        -- case-2 took case-3
        -- case-1 joined by a4 in a new part
        -- case-2 merged into case-1
        -- case-1 took case-2
        5s   undo case-1 case-3
        -- case-1 loses 2 edges: person
        -- case-1 gave back case-2
        -- case-2 parted from case-1
        -- case-1 gave back case-3
        -- case-3 parted from case-1
        ",
    );
}

#[test]
fn owners_and_verdicts_that_differ_keep_cases_apart() {
    check(
        "
        0s   alert a1 host=web-1
        1s   alert a2 user=bob
        2s   assign case-1 owner=eve
        3s   assign case-2 owner=zoe
        4s   alert a3 host=web-1 user=bob
        -- case-1 opened by a1
        -- case-2 opened by a2
        -- case-1 assigned eve
        -- case-2 assigned zoe
        -- case-1 joined by a3 in a new part
        -- case-1 proposes case-2: owners_differ
        -- case-2 linked case-1
        5s   merge case-1 case-2
        -- case-2 merged into case-1
        -- case-1 took case-2
        ",
    );
    check(
        "
        0s   alert a1 host=web-1
        1s   alert a2 user=bob
        2s   verdict case-1 true_positive
        3s   verdict case-2 false_positive
        4s   alert a3 host=web-1 user=bob
        -- case-1 opened by a1
        -- case-2 opened by a2
        -- case-1 verdict true_positive
        -- case-2 verdict false_positive
        -- case-1 joined by a3 in a new part
        -- case-1 proposes case-2: verdicts_differ
        -- case-2 linked case-1
        ",
    );
}

#[test]
fn an_alert_may_forbid_merging() {
    check(
        "
        0s   alert a1 host=web-1
        1s   alert a2 user=bob
        2s   alert a3 host=web-1 user=bob no_merge
        -- case-1 opened by a1
        -- case-2 opened by a2
        -- case-1 joined by a3 in a new part
        -- case-1 refused case-2: alert_forbids
        -- case-2 linked case-1
        ",
    );
}

#[test]
fn cases_that_would_be_too_large_together_stay_two() {
    check(
        "
        policy soft_cap=3
        0s   alert a1 host=web-1
        1s   alert a2 user=bob
        2s   alert a3 host=web-1 user=bob
        -- case-1 opened by a1
        -- case-2 opened by a2
        -- case-1 joined by a3 in a new part
        -- case-1 proposes case-2: over_soft_cap
        -- case-2 linked case-1
        ",
    );
    check(
        "
        policy parts=1
        0s   alert a1 host=web-1
        1s   alert a2 user=bob
        2s   alert a3 host=web-1 user=bob
        3s   merge case-1 case-2
        4s   alert a4 user=bob target=web-9
        -- case-1 opened by a1
        -- case-2 opened by a2
        -- case-1 joined by a3
        -- case-1 proposes case-2: too_many_parts
        -- case-2 linked case-1
        -- case-2 joined by a4
        -- refused: too_many_parts
        ",
    );
}

#[test]
fn past_the_soft_cap_weak_keys_are_not_asked() {
    check(
        "
        policy soft_cap=1
        0s   alert a1 host=web-1 hash=abc domain=evil.example
        10s  alert a2 host=web-2 hash=abc domain=evil.example
        20s  alert a3 host=web-1
        -- case-1 opened by a1
        -- case-2 opened by a2
        -- case-1 joined by a3 in a new part
        ",
    );
}

#[test]
fn past_the_hard_cap_alerts_are_counted_and_exemplars_kept() {
    check(
        "
        policy hard_cap=2
        0s   alert a1 host=web-1 rule=r1 dedup=1
        1s   alert a2 host=web-1 rule=r1 dedup=2
        2s   alert a3 host=web-1 rule=r1 dedup=3
        3s   alert a4 host=web-1 rule=r1 dedup=4
        -- case-1 opened by a1
        -- case-1 joined by a2
        -- case-1 overflow started
        -- a3 rolled up in case-1
        -- a4 rolled up in case-1
        4s   alert a5 host=web-1 rule=new dedup=5
        -- case-1 rolled up x2
        -- case-1 joined by a5
        5s   alert a6 host=web-1 rule=r1 dedup=6 sev=critical
        -- case-1 joined by a6
        -- case-1 severity critical
        6s   alert a7 host=web-1 rule=r1 dedup=7
        -- a7 rolled up in case-1
        10m  advance
        -- case-1 rolled up x1
        ",
    );
}

#[test]
fn a_machine_where_strangers_meet_links_nothing_and_what_it_linked_comes_apart() {
    check(
        "
        0s   alert a1 host=web-1 user=ann
        1m   alert a2 host=db-1 user=bob
        -- case-1 opened by a1
        -- case-2 opened by a2
        2m   alert a3 host=dc-1 user=ann rule=logon
        -- case-1 joined by a3 in a new part
        3m   alert a4 host=dc-1 user=bob rule=logon
        -- case-2 joined by a4 in a new part
        -- case-2 merged into case-1
        -- case-1 took case-2
        -- case-1 loses 1 edges: dc-1 is a hub
        -- case-1 gave back case-2
        -- case-2 parted from case-1
        4m   alert a5 host=dc-1 user=eve rule=logon
        -- case-3 opened by a5
        ",
    );
}

#[test]
fn a_stolen_account_that_began_everywhere_it_went_stays_one_case() {
    check(
        "
        0s   alert a1 host=web-1 user=bob
        1m   alert a2 host=web-2 user=bob
        2m   alert a3 host=web-3 user=bob
        3m   alert a4 host=web-4 user=bob
        -- case-1 opened by a1
        -- case-1 joined by a2 in a new part
        -- case-1 joined by a3 in a new part
        -- case-1 joined by a4 in a new part
        ",
    );
}

#[test]
fn what_fires_all_day_goes_to_a_roll_up_and_leaves_the_incident() {
    check(
        "
        0s   alert a1 host=mail-1 user=ann rule=mimikatz sev=high
        1m   alert b1 host=mail-1 rule=login sev=low
        1h   alert b2 host=mail-1 rule=login sev=low dedup=2
        2h   alert b3 host=mail-1 rule=login sev=low dedup=3
        -- case-1 opened by a1
        -- case-1 joined by b1 in a new part
        -- case-1 joined by b2 in a new part
        -- case-1 joined by b3 in a new part
        3h   alert b4 host=mail-1 rule=login sev=low dedup=4
        -- case-1 loses 1 edges: login is background
        -- case-1 loses 1 edges: login is background
        -- case-1 loses 1 edges: login is background
        -- case-1 split off case-2
        -- case-2 is split from case-1: login is background
        -- case-2 joined by b4
        4h   alert b5 host=mail-1 rule=login sev=low dedup=5
        -- case-2 joined by b5
        ",
    );
}

#[test]
fn a_quiet_case_expires_unless_a_person_has_to_look() {
    check(
        "
        0s      alert a1 host=web-1
        1s      alert a2 host=web-2 sev=high
        24h     advance
        -- case-1 opened by a1
        -- case-2 opened by a2
        -- case-1 expired
        30d     advance
        -- nothing
        ",
    );
}

#[test]
fn any_sign_of_life_puts_expiry_off() {
    check(
        "
        0s      alert a1 host=web-1 rule=r file
        50m     alert a2 host=web-1 rule=r file
        24h     advance
        -- case-1 opened by a1
        -- case-1 repeated beside a1 x1
        -- a2 duplicate in case-1
        24h49m  advance
        -- nothing
        24h50m  advance
        -- case-1 expired
        ",
    );
}

#[test]
fn what_falls_due_at_once_is_told_in_the_order_of_its_falling_due() {
    check(
        "
        5s      alert a1 host=web-1 file
        9s      alert a2 host=web-2 file
        1s      alert a3 host=web-3 file
        30d     advance
        -- case-1 opened by a1
        -- case-2 opened by a2
        -- case-3 opened by a3
        -- case-3 expired
        -- case-1 expired
        -- case-2 expired
        ",
    );
}

#[test]
fn an_alert_ends_no_more_than_four_cases_beside_its_own_and_the_next_ones_go_on() {
    check(
        "
        1s      alert a1 host=web-1 file
        2s      alert a2 host=web-2 file
        3s      alert a3 host=web-3 file
        4s      alert a4 host=web-4 file
        5s      alert a5 host=web-5 hash=abc file
        6s      alert a6 host=web-6 file
        7s      alert a7 host=web-7 file
        -- case-1 opened by a1
        -- case-2 opened by a2
        -- case-3 opened by a3
        -- case-4 opened by a4
        -- case-5 opened by a5
        -- case-6 opened by a6
        -- case-7 opened by a7
        5d      alert b1 host=other-1 file
        -- case-1 expired
        -- case-2 expired
        -- case-3 expired
        -- case-4 expired
        -- case-8 opened by b1
        121h    comment case-6
        -- case-6 commented
        122h    close case-7
        -- case-7 closed
        123h    idle
        -- nothing
        124h    alert b2 host=other-2 file
        -- case-5 expired
        -- case-6 expired
        -- case-9 opened by b2
        ",
    );
}

#[test]
fn a_tick_catches_up_with_what_alerts_left() {
    check(
        "
        1s      alert a1 host=web-1 file
        2s      alert a2 host=web-2 file
        3s      alert a3 host=web-3 file
        4s      alert a4 host=web-4 file
        5s      alert a5 host=web-5 file
        6s      alert a6 host=web-6 file
        5d      alert b1 host=other-1 file
        121h    advance
        -- case-1 opened by a1
        -- case-2 opened by a2
        -- case-3 opened by a3
        -- case-4 opened by a4
        -- case-5 opened by a5
        -- case-6 opened by a6
        -- case-1 expired
        -- case-2 expired
        -- case-3 expired
        -- case-4 expired
        -- case-7 opened by b1
        -- case-5 expired
        -- case-6 expired
        ",
    );
}

#[test]
fn a_closed_case_is_reopened_within_its_window() {
    check(
        "
        0s   alert a1 host=web-1
        1s   close case-1 verdict=true_positive
        30m  alert a2 host=web-1
        -- case-1 opened by a1
        -- case-1 closed
        -- case-1 reopened
        -- case-1 joined by a2 in a new part
        ",
    );
    check(
        "
        policy reopen=never
        0s   alert a1 host=web-1
        1s   close case-1
        2s   alert a2 host=web-1
        -- case-1 opened by a1
        -- case-1 closed
        -- case-2 opened by a2
        ",
    );
    check(
        "
        policy reopen=follows
        0s   alert a1 host=web-1
        1s   close case-1
        2s   alert a2 host=web-1
        -- case-1 opened by a1
        -- case-1 closed
        -- case-2 opened by a2 following case-1
        ",
    );
}

#[test]
fn a_false_positive_is_followed_and_never_reopened() {
    check(
        "
        0s   alert a1 host=web-1
        1s   close case-1 verdict=false_positive
        2s   alert a2 host=web-1
        -- case-1 opened by a1
        -- case-1 closed
        -- case-2 opened by a2 following case-1
        ",
    );
}

#[test]
fn past_the_reopen_window_a_key_reaches_nothing() {
    check(
        "
        policy reopen_window=1h
        0s     alert a1 host=web-1 hash=abc domain=evil.example
        1s     close case-1
        30m    alert b1 host=web-2
        2h     alert b2 host=web-9 file
        2h1m   alert a2 host=web-3 hash=abc domain=evil.example
        -- case-1 opened by a1
        -- case-1 closed
        -- case-2 opened by b1
        -- case-3 opened by b2
        -- case-4 opened by a2
        ",
    );
}

#[test]
fn an_open_case_is_preferred_to_a_closed_one() {
    check(
        "
        0s   alert a1 host=web-1 process=p1
        1s   close case-1
        2s   alert a2 user=bob
        3s   alert a3 host=web-1 process=p1 user=bob
        -- case-1 opened by a1
        -- case-1 closed
        -- case-2 opened by a2
        -- case-2 joined by a3 in a new part
        -- case-2 refused case-1: not_both_open
        -- case-1 linked case-2
        ",
    );
}

#[test]
fn cold_cases_still_obey() {
    check(
        "
        0s   alert a1 host=web-1
        1s   close case-1
        30d  advance
        -- case-1 opened by a1
        -- case-1 closed
        30d  comment case-1
        -- case-1 commented
        31d  close case-1
        -- refused: closed
        31d  reopen case-1
        -- case-1 reopened
        31d  alert a2 host=web-1
        -- case-2 opened by a2
        60d  advance
        -- case-1 expired
        -- case-2 expired
        ",
    );
}

#[test]
fn a_cold_merge_comes_apart_too() {
    check(
        "
        0s   alert a1 host=web-1
        1s   alert a2 host=web-2
        2s   alert a3 host=web-3
        3s   merge case-2 case-3
        4s   merge case-1 case-2
        5s   close case-1
        30d  advance
        -- case-1 opened by a1
        -- case-2 opened by a2
        -- case-3 opened by a3
        -- case-3 merged into case-2
        -- case-2 took case-3
        -- case-2 merged into case-1
        -- case-1 took case-2
        -- case-1 closed
        31d  undo case-1 case-2
        -- case-1 loses 1 edges: person
        -- case-1 gave back case-2
        -- case-2 parted from case-1
        32d  comment case-3
        -- refused: merged
        60d  advance
        -- case-2 expired
        ",
    );
}

#[test]
fn commands_are_refused_with_a_reason() {
    check(
        "
        0s   alert a1 host=web-1
        1s   alert b1 host=web-1 tenant=acme
        -- case-1 opened by a1
        -- acme-1 opened by b1
        2s   close case-9
        -- refused: no_such_case
        3s   merge case-1 case-1
        -- refused: same_case
        4s   merge case-1 acme-1
        -- refused: other_tenant
        5s   status case-1 closed
        -- refused: not_a_status_to_set
        6s   reopen case-1
        -- refused: not_closed
        7s   ack case-1 expect=7
        -- refused: version_conflict
        8s   ack case-1 expect=1 key=77
        -- case-1 acknowledged
        9s   ack case-1 key=77
        -- refused: repeated
        10s  undo case-1 case-9
        -- refused: not_merged
        11s  close case-1
        -- case-1 closed
        12s  status case-1 triage
        -- refused: closed
        ",
    );
}

#[test]
fn late_is_a_mark_and_not_an_outcome() {
    check(
        "
        1h   alert a1 host=web-1
        1h   alert a2 host=web-1 at=49m
        1h   alert a3 host=web-1 at=51m
        1h   alert a4 host=web-2 at=1m
        -- case-1 opened by a1
        -- case-1 joined by a2 in a new part late
        -- case-1 joined by a3
        -- case-2 opened by a4 late
        ",
    );
}

#[test]
fn what_came_days_late_is_known_when_it_comes_again() {
    check(
        "
        10d  alert a1 host=web-1
        10d  alert a2 host=web-2 at=1d sev=high
        10d  alert a2 host=web-2 at=1d sev=high
        -- case-1 opened by a1
        -- case-2 opened by a2 late
        -- a2 duplicate in case-2
        ",
    );
}

#[test]
fn a_clock_that_runs_ahead_is_held_to_its_record() {
    check(
        "
        0s   alert a1 host=web-1 at=300d
        1s   alert a2 host=web-1
        -- case-1 opened by a1
        -- case-1 joined by a2
        ",
    );
}

#[test]
fn the_slowest_partition_holds_the_watermark_until_it_is_idle() {
    check(
        "
        0s      alert a1 host=web-1 partition=0
        1s      alert b1 host=web-2 partition=1
        30h     alert b2 host=web-3 partition=1
        -- case-1 opened by a1
        -- case-2 opened by b1
        -- case-3 opened by b2
        30h     idle partition=0
        -- case-1 expired
        -- case-2 expired
        ",
    );
}

#[test]
fn a_policy_takes_effect_where_it_stands() {
    check(
        "
        0s   alert a1 host=web-1
        1s   policy quiet=1h
        59m  advance
        -- case-1 opened by a1
        1h   advance
        -- case-1 expired
        ",
    );
}

#[test]
fn severity_and_priority_follow_the_parts() {
    check(
        "
        0s   alert a1 host=web-1 rule=r1 tactic=TA0001
        1s   alert a2 host=web-1 rule=r2 sev=critical product=ids tactic=TA0002
        -- case-1 opened by a1
        -- case-1 joined by a2
        -- case-1 severity critical
        -- case-1 priority 72
        ",
    );
}

#[test]
fn an_indicator_is_told_once_per_case_and_anew_where_cases_part() {
    check(
        "
        0s   lists domain:c2.example=90
        1s   alert a1 host=web-1 domain=c2.example
        2s   alert a2 host=web-1 domain=c2.example rule=r2
        3s   alert b1 host=web-2
        -- case-1 opened by a1
        -- case-1 met c2.example of feed
        -- case-1 joined by a2
        -- case-2 opened by b1
        4s   merge case-1 case-2
        5s   alert b2 host=web-2 domain=c2.example
        -- case-2 merged into case-1
        -- case-1 took case-2
        -- case-1 joined by b2 in a new part
        6s   undo case-1 case-2
        -- case-1 loses 1 edges: person
        -- case-1 gave back case-2
        -- case-2 parted from case-1
        -- case-2 met c2.example of feed
        ",
    );
}

#[test]
fn an_indicator_matches_by_event_time_and_from_its_listing_on() {
    check(
        "
        0s   alert a1 host=web-1 dst=8.8.8.8
        1s   lists ip:8.8.8.8=90@1h
        2s   alert a2 host=web-1 dst=8.8.4.4
        -- case-1 opened by a1
        -- case-1 joined by a2
        1h1s alert b1 host=web-2 dst=8.8.8.8
        2h   alert b2 host=web-2 dst=8.8.8.8 at=59m
        -- case-1 joined by b1 in a new part
        -- case-1 joined by b2
        -- case-1 met 8.8.8.8 of feed
        ",
    );
}

#[test]
fn an_update_may_bring_an_indicator() {
    check(
        "
        0s   lists ip:8.8.8.8=90
        1s   alert a1 host=web-1
        2s   alert a1 host=web-1 rev=1 dst=8.8.8.8
        -- case-1 opened by a1
        -- case-1 updated by a1
        -- case-1 met 8.8.8.8 of feed
        ",
    );
}

/// Two weak keys are 510: enough to join and to stay, where merging asks for more.
#[test]
fn what_joined_stays_where_merging_takes_more_than_joining() {
    check(
        "
        policy merge=700
        0s   alert a1 host=web-1 user=ann hash=abc domain=evil.example
        1m   alert a2 host=web-2 hash=abc domain=evil.example
        -- case-1 opened by a1
        -- case-1 joined by a2 in a new part
        2m   alert a3 host=web-3 user=eve
        -- case-2 opened by a3
        3m   alert a4 host=web-3 user=eve hash=abc domain=evil.example
        -- case-2 joined by a4
        4m   merge case-1 case-2
        -- case-2 merged into case-1
        -- case-1 took case-2
        5m   undo case-1 case-2
        -- case-1 loses 1 edges: person
        -- case-1 gave back case-2
        -- case-2 parted from case-1
        ",
    );
}
