"""What senders and authorities of the world prove: DNSSEC, a mail server with DANE, a certificate authority.

None of it runs until a test asks for it. What is asked of the machine is asked through its `World`.
"""
