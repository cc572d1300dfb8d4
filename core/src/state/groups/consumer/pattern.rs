//! Subscriptions by regular expression.

use regex_lite::{Regex, RegexBuilder};

use crate::error::{Error, ErrorKind, Result};

/// The most memory that a compiled expression may take, in bytes.
const COMPILED_BYTES_MAX: usize = 256 << 10;

/// The longest expression, in bytes.
const EXPRESSION_BYTES_MAX: usize = 16 << 10;

/// A regular expression that the names of topics match as a whole. Takes time in proportion to
/// the name's length, whatever the expression is.
#[derive(Debug)]
pub(super) struct TopicPattern(Regex);

impl TopicPattern {
    /// Compiles an expression.
    ///
    /// # Errors
    /// `InvalidRegularExpression`.
    pub(super) fn new(expression: &str) -> Result<Self> {
        let invalid = |why: &dyn std::fmt::Display| {
            let text = format!("the regular expression of a subscription is not valid: {why}");
            Error::new(ErrorKind::InvalidRegularExpression, text)
        };
        if expression.len() > EXPRESSION_BYTES_MAX {
            return Err(invalid(&format_args!("it is longer than {EXPRESSION_BYTES_MAX} bytes")));
        }
        let compile = |text: &str| {
            let compiled = RegexBuilder::new(text).size_limit(COMPILED_BYTES_MAX).build();
            compiled.map_err(|error| invalid(&error))
        };
        // On its own first: an expression like `a)(b` must not become valid by what is put around.
        compile(expression)?;
        compile(&format!("^(?:{expression})$")).map(Self)
    }

    pub(super) fn matches(&self, topic: &str) -> bool {
        self.0.is_match(topic)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_name_has_to_match() {
        let pattern = TopicPattern::new("a.*|b").unwrap();
        assert!(pattern.matches("abc") && pattern.matches("b"));
        assert!(!pattern.matches("bc") && !pattern.matches("cab"));
        assert!(TopicPattern::new("^orders-[0-9]+$").unwrap().matches("orders-17"));
        assert!(TopicPattern::new("(?i)ORDERS").unwrap().matches("orders"));
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        let long = "a".repeat(EXPRESSION_BYTES_MAX + 1);
        for expression in ["(", "a)(b", "[", "a{1000}{1000}{1000}", "a**{", "\\", &long] {
            let error = TopicPattern::new(expression).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidRegularExpression, "{error}");
        }
    }
}
