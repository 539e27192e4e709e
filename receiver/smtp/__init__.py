"""One SMTP conversation after another: octets in, replies out, and what becomes of mail (RFC 5321)."""
