//! `HOST:PORT`, as people write it.

use std::fmt;
use std::str::FromStr;

/// A host name or IP address and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// An IPv6 address is without its brackets.
    pub host: String,
    /// A TCP port; 0 where any free one will do.
    pub port: u16,
}

impl Address {
    /// Whether this means every address of the machine, which is none that a client can use.
    pub fn is_every_address(&self) -> bool {
        self.host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_unspecified())
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not HOST:PORT, such as 127.0.0.1:9092 or [::1]:9092");
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let port = port
            .parse()
            .map_err(|_| format!("{port:?} in {text:?} is not a port, a number from 0 to 65535"))?;
        let host = match host.strip_prefix('[') {
            Some(rest) => rest.strip_suffix(']').ok_or_else(wrong)?,
            None if host.contains(':') => return Err(wrong()),
            None => host,
        };
        if host.is_empty() || host.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(wrong());
        }
        Ok(Self { host: host.to_owned(), port })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_written_alike() {
        for text in ["127.0.0.1:9092", "localhost:0", "[::1]:65535", "[::]:9092", "a.example:1"] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
        assert!("0.0.0.0:1".parse::<Address>().unwrap().is_every_address());
        assert!("[::]:1".parse::<Address>().unwrap().is_every_address());
        assert!(!"localhost:1".parse::<Address>().unwrap().is_every_address());
    }

    #[test]
    fn what_is_no_address_is_refused_with_its_text() {
        for text in ["", "9092", ":9092", "::1:9092", "[::1:9092", "a b:1", "a:65536", "a:", "a:x"]
        {
            let error = text.parse::<Address>().unwrap_err();
            assert!(error.contains(&format!("{text:?}")), "{error}");
        }
    }
}
