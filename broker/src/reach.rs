//! The broker that a program works with: where it is, and whether it answers.

use std::time::Duration;

use clap::Args;
use minka::ErrorKind;
use minka::client::{Admin, AdminConfig};

use crate::exit::Failure;
use minka::Address;

/// How long a program waits for a broker before it says that there is none.
const PATIENCE: Duration = Duration::from_secs(3);

/// Which broker a program works with.
#[derive(Debug, Clone, Args)]
pub(crate) struct BrokerOption {
    /// The broker; several addresses of one cluster are separated by commas
    #[arg(
        long,
        short,
        global = true,
        value_name = "HOST:PORT",
        env = "MINKA_BROKER",
        default_value = "127.0.0.1:9092",
        value_delimiter = ','
    )]
    broker: Vec<Address>,
}

impl BrokerOption {
    /// The addresses as the client takes them.
    pub(crate) fn target(&self) -> String {
        let addresses: Vec<String> = self.broker.iter().map(Address::to_string).collect();
        addresses.join(",")
    }

    /// What asks the broker and changes it, once it has answered.
    pub(crate) fn admin(&self) -> Result<Admin, Failure> {
        let config = AdminConfig { client_id: "minka".to_owned(), ..AdminConfig::default() };
        let probe = Admin::open(self.target(), AdminConfig { timeout: PATIENCE, ..config.clone() });
        probe?.cluster().map_err(|error| self.explain(error))?;
        Ok(Admin::open(self.target(), config)?)
    }

    /// An error of the client, with what to do where no broker answers.
    fn explain(&self, error: minka::Error) -> Failure {
        match error.kind() {
            ErrorKind::BrokerUnavailable | ErrorKind::Network | ErrorKind::Timeout => {
                Failure::new(format_args!(
                    "no broker answers at {}: {error}\nStart one with bin/broker, or name \
                     another with --broker HOST:PORT.",
                    self.target()
                ))
            }
            _ => error.into(),
        }
    }
}
