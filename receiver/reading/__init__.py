"""Reading what was received: `letterbox list | show | export | wait | follow`.

Mail is hostile input. No part of a message is executed, and a terminal gets only text. No message breaks a
command, and each is read in bounded time and memory. We do not use the standard library's email package,
because it recurses as deep as a message nests and its import takes half of the time that a command has.
"""
