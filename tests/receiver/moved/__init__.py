"""Mail that a mail client moves, copies, marks, deletes or appends, with Dovecot's imap on a pipe."""
