"""Mail on disk, and durable: Maildirs, group commit, the write-ahead log and its recovery."""
