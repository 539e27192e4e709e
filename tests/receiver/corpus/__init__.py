"""Mail of the test sets that published packages carry, shown by ours and by mailparser and postal-mime.

`python -m tests.receiver.corpus` (or `make corpus`) fetches the packages by name, runs both, and prints how
many mails are shown alike, with each one that is not.
"""
