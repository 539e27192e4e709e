"""The SMTP receiver of Letterbox, and the commands that run beside it on the mail host.

It receives mail for the domains it is given and stores it in Maildirs. It answers a message with 250 only
after the message is on stable storage for every recipient. It never relays and never sends a bounce.
"""

__version__ = "0.7.0"
