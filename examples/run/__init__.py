"""The demonstration behind `make run`: the programs at work, a consumer killed, nothing lost."""
