"""One mail transaction (RFC 5321 section 3.3): its envelope, the message that arrives, its trace fields."""
