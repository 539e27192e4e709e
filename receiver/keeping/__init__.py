"""How long mail stays, and how much of it a mailbox may hold: the command `keep`, and quotas."""
