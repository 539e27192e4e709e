"""The content of a message, for its reader: the MIME structure, the texts and the HTML, as lines and lists.

Reading takes time linear in the size of the message and bounded memory. Nothing that a sender wrote raises an
exception.
"""
