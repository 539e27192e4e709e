"""What the inventory no longer has is not given up while mail is led to it: a domain, or the host's name.

A host that stops serving a domain answers its mail with 550, and senders return that mail to its authors. So
it may stop only when the DNS leads none of that mail here any more. What the host serves is read from the
host. Where mail is led is read from the domain's own nameservers; if these do not answer, the domain stays.
"""
