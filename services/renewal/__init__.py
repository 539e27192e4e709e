"""A certificate from an ACME authority (RFC 8555), got and renewed for a request that was signed once.

The program that goes out to the authority and to Cloudflare never needs the certificate's private key. The
key, and the request (CSR) that it signed, are made by the deploy. This program reads the request, proves by a
DNS-01 challenge that the name is ours, and writes a certificate. It holds a token for one zone and the key of
its ACME account, and neither the mail nor the key of the certificate.

The modules import one way: command -> renewal -> order -> challenge -> cloudflare, nameservers -> ground.
"""
