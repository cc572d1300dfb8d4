"""The demonstration behind `make run`: real texts, two groups of readers, a crash in the middle."""
