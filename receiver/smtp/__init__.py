"""SMTP (RFC 5321): connections, conversations, replies, and the recipients and messages that are accepted."""
