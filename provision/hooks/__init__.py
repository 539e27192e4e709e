"""The hooks of a host: a unit for each, with a program, a queue, and secrets that nobody else sees.

They are no part of a generation. The receiver puts mail into the queues whether the units run or not.
"""
