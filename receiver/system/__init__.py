"""Parts of the system that the os module lacks: the journal, the C library, systemd, and giving up root."""
