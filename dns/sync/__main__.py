"""`python -m dns.sync`."""

from __future__ import annotations

import sys

from dns.sync.command import main

sys.exit(main())
