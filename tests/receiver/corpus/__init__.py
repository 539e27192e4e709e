"""Reading the mail in the test sets of published packages, with ours, mailparser and postal-mime.

`python -m tests.receiver.corpus` (or `make corpus`) fetches the packages by name, runs the programs, and
prints how many mails they show alike, and each mail that they do not.
"""
