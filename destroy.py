"""Everything off the host again, and its records out of the zone: `pyinfra inventory.py destroy.py`.

The mail stays in /var/lib/letterbox, unless it is asked for by the host's name:
`pyinfra inventory.py destroy.py --data remove_mail=mx1.example.com`. `--limit HOST` takes one host of
several away, and leaves the records of the others.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))  # as in deploy.py

from provision import dns, removal, system

system.prepare(needed=["firewalld"])

dns.withdrawn(name="DNS: our records")
removal.units(name="Units")
removal.closed(name="Firewall: 25/tcp")
removal.program(name="Program and configuration")
removal.account(name="User letterbox, and the mail if asked")
