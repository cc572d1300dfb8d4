"""What the test suites and the demonstration share: starting, killing and watching a broker."""
