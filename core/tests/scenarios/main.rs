//! The scenarios that every language has, in Rust: `tests/scenarios/LIST` says what has to be true.
//! This suite is the one that the others are measured by.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

mod admin;
mod clock;
mod closing;
mod errors;
mod faults;
mod groups;
mod hooks;
mod life;
mod list;
mod opens;
mod queues;
mod records;
mod waiting;
mod world;

/// Makes a test of each scenario for each of its targets, and a table of them.
macro_rules! scenarios {
    (
        both { $( $both:ident :: $on_both:ident )* }
        in_process { $( $near:ident :: $in_process:ident )* }
        socket { $( $far:ident :: $on_socket:ident )* }
    ) => {
        mod in_process {
            $( #[test] fn $on_both() { super::$both::$on_both(super::world::Place::InProcess); } )*
            $( #[test] fn $in_process() { super::$near::$in_process(); } )*
        }

        mod socket {
            $( #[test] fn $on_both() { super::$both::$on_both(super::world::Place::Socket); } )*
            $( #[test] fn $on_socket() { super::$far::$on_socket(); } )*
        }

        /// Names and targets, as `tests/scenarios/LIST` writes them.
        const SCENARIOS: &[(&str, &str)] = &[
            $( (stringify!($on_both), "both"), )*
            $( (stringify!($in_process), "in-process"), )*
            $( (stringify!($on_socket), "socket"), )*
        ];
    };
}

scenarios! {
    both {
        records::produce_and_consume
        records::order_within_a_partition
        records::batches_and_receipts
        records::large_and_compressed_records
        records::unknown_topic
        queues::queue_group_shares
        queues::queue_release_and_reject
        queues::queue_dead_letters
        groups::partition_group_commits
        groups::assign_seek_pause
        groups::replay_from_the_start
        admin::admin_topics
        admin::admin_groups
        closing::close_ends_a_blocked_poll
        closing::wake_ends_a_blocked_poll
        closing::use_after_close
        closing::close_twice
        closing::broker_closes_under_clients
        errors::wrong_arguments
        errors::errors_are_the_same
        hooks::admission_changes_and_rejects
        hooks::delivery_hides_and_changes
        hooks::event_stream
        waiting::wait_until_idle
        clock::clock_expires_retention
        clock::clock_expires_locks
        clock::clock_expires_sessions
        faults::fault_fails_the_nth_produce
        faults::fault_delays
    }
    in_process {
        queues::queue_renew
        closing::close_ends_a_blocked_send
        life::ephemeral_leaves_nothing
        life::durable_across_a_reopen
        life::snapshot_and_copy
        opens::thousand_opens_and_closes
        faults::fault_fails_the_disk
    }
    socket {
        hooks::authentication
        faults::fault_drops_connections
    }
}

#[test]
fn the_list_is_what_is_run() {
    let mut listed: Vec<_> = list::scenarios().collect();
    let mut run = SCENARIOS.to_vec();
    listed.sort_unstable();
    run.sort_unstable();
    assert_eq!(run, listed);
}
