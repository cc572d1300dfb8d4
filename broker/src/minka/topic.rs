//! `minka topic`: create, list, describe, alter and delete topics.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use minka::ErrorKind;
use minka::client::{Admin, NewTopic, TopicDescription};
use serde_json::{Value, json};

use super::output::Output;
use super::setting::Setting;
use crate::exit::{Failure, Outcome};
use crate::reach::BrokerOption;
use crate::table::Table;
use crate::text;

const HELP: &str = "\
Examples:
  minka topic create orders --partitions 4
  minka topic create audit --set retention.ms=604800000
  minka topic list
  minka topic describe orders
  minka topic alter orders --partitions 8
  minka topic delete orders

Settings have Kafka's names, such as retention.ms, retention.bytes and max.message.bytes.";

/// Create, list, describe, alter and delete topics
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
    /// Create a topic
    Create {
        /// Its name: letters, digits, '.', '_' and '-'
        name: String,
        /// How many partitions it has [default: as the broker is set, usually 1]
        #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        partitions: Option<u32>,
        /// A setting; may be given several times
        #[arg(long = "set", short, value_name = "NAME=VALUE")]
        settings: Vec<Setting>,
    },
    /// List the topics
    List,
    /// Show the partitions and settings of a topic
    Describe {
        /// Its name
        name: String,
    },
    /// Delete topics, with all their messages
    Delete {
        /// Their names
        #[arg(required = true)]
        names: Vec<String>,
    },
    /// Change a topic's settings, or give it more partitions
    #[command(group = clap::ArgGroup::new("change").required(true).multiple(true))]
    Alter {
        /// Its name
        name: String,
        /// How many partitions it has from now on: more than before
        #[arg(long, short, value_name = "N", group = "change")]
        partitions: Option<u32>,
        /// A setting; may be given several times
        #[arg(long = "set", short, value_name = "NAME=VALUE", group = "change")]
        settings: Vec<Setting>,
        /// A setting that goes back to its default; may be given several times
        #[arg(long, short, value_name = "NAME", group = "change")]
        unset: Vec<String>,
    },
}

/// Runs the command.
pub(super) fn run(options: &Options) -> Outcome {
    let admin = options.broker.admin()?;
    let output = Output::new(options.json);
    match &options.command {
        Command::Create { name, partitions, settings } => {
            create(&admin, name, *partitions, settings, output)?;
        }
        Command::List => list(&admin, output)?,
        Command::Describe { name } => describe(&admin, name, output)?,
        Command::Delete { names } => {
            for name in names {
                admin.delete_topic(name).map_err(|error| of_topic(name, error))?;
                output.done(&format!("deleted the topic {name}"), json!({ "deleted": name }))?;
            }
        }
        Command::Alter { name, partitions, settings, unset } => {
            alter(&admin, name, *partitions, settings, unset)?;
            describe(&admin, name, output)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// An error about a topic, in a sentence where the topic does not exist.
pub(super) fn of_topic(name: &str, error: minka::Error) -> Failure {
    match error.kind() {
        ErrorKind::UnknownTopicOrPartition => Failure::new(format_args!(
            "there is no topic {name}. The topics that there are: minka topic list"
        )),
        _ => error.into(),
    }
}

fn create(
    admin: &Admin,
    name: &str,
    partitions: Option<u32>,
    settings: &[Setting],
    output: Output,
) -> Result<(), Failure> {
    let mut topic = NewTopic::new(name);
    topic.partitions = partitions;
    topic.settings = settings.iter().map(|s| (s.name.clone(), s.value.clone())).collect();
    admin.create_topic(&topic)?;
    let created = admin.describe_topic(name)?;
    let partitions = created.partitions.len();
    let count = text::count(partitions as u64, "partition", "partitions");
    output.done(
        &format!("created the topic {name} with {count}"),
        json!({ "created": name, "partitions": partitions }),
    )
}

fn list(admin: &Admin, output: Output) -> Result<(), Failure> {
    let mut topics = Vec::new();
    for topic in admin.topics()? {
        match admin.describe_topic(&topic.name) {
            Ok(description) => topics.push(description),
            // It was deleted meanwhile.
            Err(error) if error.kind() == ErrorKind::UnknownTopicOrPartition => {}
            Err(error) => return Err(error.into()),
        }
    }
    let rows = || {
        let mut table = Table::new(&["TOPIC", ">PARTITIONS", ">MESSAGES"]);
        for topic in &topics {
            let partitions = text::number(topic.partitions.len() as u64);
            table.row([topic.name.clone(), partitions, text::number(messages(topic))]);
        }
        table
    };
    let json = topics.iter().map(|topic| {
        json!({
            "name": topic.name,
            "partitions": topic.partitions.len(),
            "messages": messages(topic),
        })
    });
    output.table(rows, json.collect())
}

fn messages(topic: &TopicDescription) -> u64 {
    topic.partitions.iter().map(|partition| partition.end.saturating_sub(partition.start)).sum()
}

fn describe(admin: &Admin, name: &str, output: Output) -> Result<(), Failure> {
    let topic = admin.describe_topic(name).map_err(|error| of_topic(name, error))?;
    if output.is_json() {
        return output.json(json(&topic));
    }
    let mut head = format!("topic {}\nID    {}\n", topic.name, topic.id);
    for setting in topic.settings.iter().filter(|setting| !setting.is_default) {
        head += &format!("{} = {}\n", setting.name, setting.value);
    }
    output.text(&head)?;
    let mut table = Table::new(&[">PARTITION", ">START", ">END", ">MESSAGES"]);
    for partition in &topic.partitions {
        table.row([
            partition.index.to_string(),
            text::number(partition.start),
            text::number(partition.end),
            text::number(partition.end.saturating_sub(partition.start)),
        ]);
    }
    output.table(|| table, Value::Null)
}

fn json(topic: &TopicDescription) -> Value {
    let partitions = topic.partitions.iter().map(|partition| {
        json!({ "partition": partition.index, "start": partition.start, "end": partition.end })
    });
    let settings = topic.settings.iter();
    let settings = settings.map(|setting| (setting.name.clone(), Value::from(&*setting.value)));
    json!({
        "name": topic.name,
        "id": topic.id,
        "partitions": partitions.collect::<Value>(),
        "settings": settings.collect::<Value>(),
    })
}

fn alter(
    admin: &Admin,
    name: &str,
    partitions: Option<u32>,
    settings: &[Setting],
    unset: &[String],
) -> Result<(), Failure> {
    if let Some(partitions) = partitions {
        admin.add_partitions(name, partitions).map_err(|error| of_topic(name, error))?;
    }
    let set = settings.iter().map(|setting| (setting.name.as_str(), Some(setting.value.as_str())));
    let unset = unset.iter().map(|name| (name.as_str(), None));
    let changes: Vec<_> = set.chain(unset).collect();
    if !changes.is_empty() {
        admin.alter_topic(name, &changes).map_err(|error| of_topic(name, error))?;
    }
    Ok(())
}
