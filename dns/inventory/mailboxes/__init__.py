"""What a served domain holds: its mailboxes with their options, and its aliases. Pure."""
