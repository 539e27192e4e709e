"""Storing mail durably: Maildirs, group commit, the write-ahead log and its recovery."""
