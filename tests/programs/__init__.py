"""The programs as their users see them: real processes, real brokers, terminals and pipes."""
