"""The command `imap`: a mailbox for any IMAP client, without a port or a password.

Dovecot's own `imap` speaks IMAP on standard input and output. It is no service: each session is one process
in a sandbox, which sees one mailbox, and it ends with the client.
"""
