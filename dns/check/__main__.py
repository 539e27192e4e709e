"""`python -m dns.check`."""

from __future__ import annotations

import sys

from dns.check.command import main

sys.exit(main())
