"""What `letterbox imap` needs on a host, by which mail clients read the mailboxes, and who may run it."""
