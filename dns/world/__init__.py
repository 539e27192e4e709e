"""What the DNS and port 25 answer."""
