"""`letterbox import`: mail from an mbox or a Maildir into a mailbox, byte for byte and at most once.

What is imported is a stranger's word, as all mail is. So root gives up its rights before it parses a source,
a file that is imported gets a name that no message can foresee, and no hook is told.
"""
