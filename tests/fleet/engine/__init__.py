"""The engine that keeps the mail in `make fleet`: Ceph of Debian, three nodes in machines of the lab."""
