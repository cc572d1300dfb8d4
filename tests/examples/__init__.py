"""The examples of every language as users run them, and languages that work together."""
