"""Texts of strangers, HTML and plain, as lines that a person can read. Linear in time, bounded in memory."""
