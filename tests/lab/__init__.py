"""The lab: a throwaway machine to deploy to, and a world that sends it mail. `python -m tests.lab`.

The **target** is a systemd-nspawn container, reached over ssh like any host. It is like Fedora in this: the
upstream versions of systemd, firewalld, nftables, Python, rpm and dnf5; dnf, rpm and a real package
repository, made when the image is built; os-release; firewalld's zones FedoraServer (the default) and
FedoraWorkstation; firewalld installed and running with 25/tcp closed; the user `fedora` with sudo; openssl
not yet installed. It is unlike Fedora in this: the programs are Debian's builds of those versions, and
packages other than firewalld and openssl are names in rpm's database over Debian's files. It has no SELinux,
no NetworkManager (a unit of the lab sets the addresses) and no kernel of its own, and its limit on ICMP
errors is off, so that closed ports answer at once.

The **world** is a second container. It has authoritative DNS servers for the root, `test` and the zones
below, a resolver that starts at that root, the Postfix of a stranger, and the stand-in for Cloudflare's API
(`cloudflare/`), which publishes its records in those DNS servers. The root and `test` are signed, other zones
on command. What proves something (a resolver that validates, a Postfix that does DANE, the certificate
authority Pebble) runs only while a test asks for it (`tls/`).

`lab` is a lab as a value; `lifecycle` brings it up and takes it down. `machines/` holds the machines: their
images (from the recipes in `images/`), their containers and control groups, and commands on them. `network`
joins them. `world` and `access` have the files that each machine gets. `up`, `display`, `demo`,
`prerequisites` and `__main__` are for people.
"""
