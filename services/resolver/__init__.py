"""DNS for a receiver without a network, on hosts whose systemd-resolved is missing or does not know the call.

The program `letterbox-resolver` answers the varlink call `io.systemd.Resolve.ResolveRecord` on a Unix socket
of its own, as systemd-resolved does since systemd 256. It asks the nameservers of /etc/resolv.conf. It
remembers no answer, because the receiver does. It may reach the network, and has nothing that could leak.

The modules import one way: command -> varlink -> nameservers.
"""
