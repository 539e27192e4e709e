"""`letterbox proof`: a one-time address, and the evidence of the first message to it."""
