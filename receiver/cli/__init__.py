"""What every command shares: exit codes, errors for the user, JSON lines, the configuration, the terminal."""
