"""`python -m dns.check`."""

from __future__ import annotations

import sys

from dns.check.command import main
from dns.terminal.streams import show_all_characters

show_all_characters()
sys.exit(main())
