"""`python -m dns.sync`."""

import sys

from dns.sync.command import main

sys.exit(main())
