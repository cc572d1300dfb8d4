"""The broker under hard conditions: killed, out of disk, on damaged files, fed with garbage."""
