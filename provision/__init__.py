"""The steps that bring a host to what the inventory asks for, and what pyinfra lacks for them.

Each step has a file of its own. It is decided from two values: what the host is (`host/`, read in one ssh
execution for all steps) and what it should be (`desired/`, from the inventory). Nothing is decided from what
this run did before, so the next run completes one that was cut off anywhere.
"""
