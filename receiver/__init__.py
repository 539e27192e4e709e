"""The SMTP receiver: the only code of Letterbox that runs on the mail host.

It receives mail for the domains it is given and stores it in Maildirs. A message is answered 250
only when it is on stable storage for every recipient. It never relays and never sends a bounce.
"""

__version__ = "0.1.1"
