"""The write-ahead log: its records, its segments, and its recovery after a crash."""
