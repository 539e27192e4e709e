"""The disks that mail is measured on: of several kinds, slow, and shared with another program."""
