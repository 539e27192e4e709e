"""The lab: a throwaway machine to deploy to, and a world that sends it mail. `python -m tests.lab`.

The **target** is a systemd-nspawn container, reached over ssh like any host. What is Fedora's in it:
the upstream versions of systemd, firewalld, nftables, Python, rpm and dnf5; dnf, rpm and their package
repository (real, and made when the image is built); os-release; firewalld's zones FedoraServer (the
default) and FedoraWorkstation; firewalld installed and running with 25/tcp closed; the user `fedora`
with sudo; openssl not yet installed. What is not: the programs are Debian's builds of those versions, and
packages other than firewalld and openssl are names in rpm's database over Debian's files. There is no
SELinux, no NetworkManager (addresses are set by a unit of the lab), no kernel of its own, and the limit
on ICMP errors is off, so that closed ports answer at once.

The **world** is a second container: authoritative DNS servers for the root, `test` and the zones below,
a resolver that starts at that root, a stranger's Postfix, and the stand-in for Cloudflare's API
(`cloudflare/`), which publishes what it is told into the DNS servers.

Modules: `image` builds and keeps root file systems from the recipes in `images/`; `machine` runs one;
`network` joins them; `world` and `access` say what is particular to a lab; `lab` is the whole;
`display`, `prerequisites`, `demo` and `__main__` are for people.
"""
