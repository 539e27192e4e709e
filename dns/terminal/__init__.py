"""What the command lines share: their arguments, colour, and progress."""
