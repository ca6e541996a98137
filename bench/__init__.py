"""Measures whole backups beside other programs on the same machine; script/bench runs it."""
