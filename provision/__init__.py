"""What pyinfra lacks for a mail host: one combined fact, and operations that decide from it.

One file a subject. Every operation is a function of two values: what the host is (`observe`, one ssh
execution for all of them) and what it should be (`desired`, from the inventory). Nothing is decided from
what this run did before, so that a run which was cut off anywhere is mended by the next one.

`proof` and `doctor` show from here what the host's own commands show there, and take the words for it (links
of the chain, what is told, how a screen is filled) from `receiver/`, so that both say the same.
"""
