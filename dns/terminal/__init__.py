"""What the command lines of this room share: arguments, colour, progress."""
