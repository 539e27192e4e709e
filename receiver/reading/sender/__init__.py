"""Who really sent a stored message: the fields that the receiver put above it, and what they come to."""
