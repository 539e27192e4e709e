"""`letterbox proof`: a one-time address, and how a first message to it came."""
