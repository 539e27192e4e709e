"""What a host is: where things lie on it, the script that asks it, and its answer as a value.

Nothing here imports our `dns`. `pyinfra … fact` imports these modules with dnspython's `dns` in its place,
because pyinfra appends this folder to `sys.path` instead of putting it first.
"""
