"""`python -m dns.check`."""

import sys

from dns.check.command import main

sys.exit(main())
