"""DANE: what is published of the hosts' keys, and for how long it has stood.

`decision` decides, `facts` asks the hosts and the world, and `standing` tells a rekey whether it may go on.
"""

from __future__ import annotations
