"""What the os module lacks of the system: its log, its C library, its manager, and giving up root."""
