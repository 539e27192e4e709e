"""Loads whose senders are checked: the senders, their DNS, their messages, and what must be found."""
