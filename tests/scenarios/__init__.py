"""The scenarios that every language has: LIST, and the check that every suite has them."""
