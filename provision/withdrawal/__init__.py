"""A domain that the inventory no longer has is not given up while mail for it is led here.

The addresses of a name that a host no longer has are not this room's: `dns.sync.leaving.old_names` keeps
them.

A host that stops serving a domain answers its mail with 550, and senders return that mail to its authors. So
it may stop only when the DNS no longer leads that mail here. What the host serves is read
from the host. Where mail is led is read from the domain's own nameservers; if these do not answer, the domain
stays.
"""
