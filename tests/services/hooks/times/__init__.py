"""The program of one hook, in front of a target that answers in every way, and killed at random moments."""
