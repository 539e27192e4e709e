"""Whether the world sees what a domain that receives mail needs: `python -m dns.check DOMAIN`."""

from dns.check.command import asking_from, examine, main, own_addresses

__all__ = ["asking_from", "examine", "main", "own_addresses"]
