//! `minka group`: list, describe, reset, alter and delete groups of consumers.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use minka::client::{Admin, GroupDescription, GroupKind, ResetTo};
use serde_json::{Value, json};

use super::output::Output;
use super::setting::Setting;
use super::topic::of_topic;
use crate::exit::{Failure, Outcome};
use crate::reach::BrokerOption;
use crate::show;
use crate::table::Table;
use crate::text;

const HELP: &str = "\
Examples:
  minka group list
  minka group describe grupo
  minka group reset grupo --topic mensajes --to earliest
  minka group reset grupo --topic mensajes --to 2026-11-20T09:30:00Z
  minka group alter grupo --set share.auto.offset.reset=earliest
  minka group delete grupo

There are two kinds of groups. In a queue group (what the program consumer uses) every message
goes to one member, which accepts it; in a partition group every partition belongs to one member.
The lag is how many messages a group has still to handle. A group is reset or deleted while it has
no members.";

const QUEUE_HEADINGS: [&str; 7] =
    ["TOPIC", ">PARTITION", ">START", ">END", ">LAG", ">IN FLIGHT", ">REDELIVERED"];

/// List, describe, reset, alter and delete groups of consumers
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(super) struct Options {
    #[command(flatten)]
    broker: BrokerOption,

    /// Print JSON
    #[arg(long, global = true)]
    json: bool,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the groups
    List,
    /// Show the members of a group and what it has still to handle
    Describe {
        /// Its name
        name: String,
    },
    /// Let a group go on somewhere else in a topic
    Reset {
        /// Its name
        name: String,
        /// The topic
        #[arg(long, short, value_name = "NAME")]
        topic: String,
        /// earliest, latest, an offset, or a time such as 2026-11-20T09:30:00Z
        #[arg(long, value_name = "WHERE", value_parser = parse_to)]
        to: ResetTo,
    },
    /// Delete groups, with what they know
    Delete {
        /// Their names
        #[arg(required = true)]
        names: Vec<String>,
    },
    /// Change a group's settings
    Alter {
        /// Its name
        name: String,
        /// A setting; may be given several times
        #[arg(long = "set", short, value_name = "NAME=VALUE", required = true)]
        settings: Vec<Setting>,
    },
}

/// Runs the command.
pub(super) fn run(options: &Options) -> Outcome {
    let admin = options.broker.admin()?;
    let output = Output::new(options.json);
    match &options.command {
        Command::List => list(&admin, output)?,
        Command::Describe { name } => describe(&admin, name, output)?,
        Command::Reset { name, topic, to } => {
            admin.reset_group(name, topic, *to).map_err(|error| of_topic(topic, error))?;
            let sentence = format!("reset the group {name} in the topic {topic}");
            output.done(&sentence, json!({ "reset": name, "topic": topic }))?;
        }
        Command::Delete { names } => {
            for name in names {
                admin.delete_group(name)?;
                output.done(&format!("deleted the group {name}"), json!({ "deleted": name }))?;
            }
        }
        Command::Alter { name, settings } => {
            let changes: Vec<_> =
                settings.iter().map(|s| (s.name.as_str(), Some(s.value.as_str()))).collect();
            admin.alter_group(name, &changes)?;
            output.done(&format!("altered the group {name}"), json!({ "altered": name }))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads `--to`.
fn parse_to(text: &str) -> Result<ResetTo, String> {
    match text {
        "earliest" => Ok(ResetTo::Earliest),
        "latest" => Ok(ResetTo::Latest),
        number if number.bytes().all(|byte| byte.is_ascii_digit()) => {
            let offset = number.parse().map_err(|_| format!("{number} is too large an offset"))?;
            Ok(ResetTo::Offset(offset))
        }
        time => text::parse_time(time).map(ResetTo::Time).map_err(|_| {
            format!(
                "{time:?} is not earliest, latest, an offset or a time like 2026-11-20T09:30:00Z"
            )
        }),
    }
}

/// What a kind of group is called here.
pub(super) fn kind(kind: GroupKind) -> &'static str {
    match kind {
        GroupKind::Queue => "queue",
        GroupKind::Partitions => "partitions",
        GroupKind::Classic => "classic",
        _ => "other",
    }
}

fn list(admin: &Admin, output: Output) -> Result<(), Failure> {
    let groups = admin.groups()?;
    let rows = || {
        let mut table = Table::new(&["GROUP", "KIND", "STATE"]);
        for group in &groups {
            let name = show::printable(group.name.as_bytes());
            table.row([name, kind(group.kind).to_owned(), group.state.clone()]);
        }
        table
    };
    let json = groups
        .iter()
        .map(|group| json!({ "name": group.name, "kind": kind(group.kind), "state": group.state }));
    output.table(rows, json.collect())
}

fn describe(admin: &Admin, name: &str, output: Output) -> Result<(), Failure> {
    let group = admin.describe_group(name)?;
    if output.is_json() {
        return output.json(json(&group));
    }
    let members = text::count(group.members.len() as u64, "member", "members");
    let (kind, state) = (kind(group.kind), &group.state);
    output.text(&format!("group {} ({kind}): {state}, {members}\n", group.name))?;
    if !group.members.is_empty() {
        output.table(|| members_table(&group), Value::Null)?;
    }
    if group.partitions.is_empty() {
        return Ok(());
    }
    output.table(|| partitions_table(&group), Value::Null)
}

fn members_table(group: &GroupDescription) -> Table {
    let mut table = Table::new(&["MEMBER", "CLIENT", "HOST", "PARTITIONS"]);
    for member in &group.members {
        let assigned = member.assigned.iter().map(|(topic, index)| format!("{topic}/{index}"));
        table.row([
            show::printable(member.id.as_bytes()),
            show::printable(member.client_id.as_bytes()),
            show::printable(member.host.as_bytes()),
            assigned.collect::<Vec<_>>().join(" "),
        ]);
    }
    table
}

fn partitions_table(group: &GroupDescription) -> Table {
    let number = |number: Option<u64>| number.map_or_else(|| "-".to_owned(), text::number);
    let mut table = match group.kind {
        // Where a queue group begins is the first message that it has not done with.
        GroupKind::Queue => Table::new(&QUEUE_HEADINGS),
        _ => Table::new(&["TOPIC", ">PARTITION", ">COMMITTED", ">END", ">LAG"]),
    };
    for partition in &group.partitions {
        let topic = partition.topic.clone();
        let index = partition.partition.to_string();
        let [committed, end, lag, in_flight, redelivered] = [
            partition.committed,
            partition.end,
            partition.lag,
            partition.in_flight,
            partition.redelivered,
        ]
        .map(number);
        match group.kind {
            GroupKind::Queue => {
                table.row([topic, index, committed, end, lag, in_flight, redelivered]);
            }
            _ => table.row([topic, index, committed, end, lag]),
        }
    }
    table
}

fn json(group: &GroupDescription) -> Value {
    let members = group.members.iter().map(|member| {
        let assigned = member.assigned.iter();
        let assigned = assigned.map(|(topic, index)| json!({ "topic": topic, "partition": index }));
        json!({
            "id": member.id,
            "client_id": member.client_id,
            "host": member.host,
            "assigned": assigned.collect::<Value>(),
        })
    });
    let partitions = group.partitions.iter().map(|partition| {
        json!({
            "topic": partition.topic,
            "partition": partition.partition,
            "committed": partition.committed,
            "end": partition.end,
            "lag": partition.lag,
            "in_flight": partition.in_flight,
            "redelivered": partition.redelivered,
        })
    });
    json!({
        "name": group.name,
        "kind": kind(group.kind),
        "state": group.state,
        "members": members.collect::<Value>(),
        "partitions": partitions.collect::<Value>(),
    })
}
