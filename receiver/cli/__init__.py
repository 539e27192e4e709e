"""The parts that all commands share: exit codes, errors for the user, JSON lines, configuration, terminal."""
