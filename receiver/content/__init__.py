"""What a message holds, for its reader: structure, texts and HTML of strangers, as lines and lists.

Linear in time, bounded in memory, and never an exception for what a sender wrote.
"""
