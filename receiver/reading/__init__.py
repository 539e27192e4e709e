"""Reading what was received: `letterbox list | show | export | wait | follow`.

Mail is hostile input. Nothing of it is ever executed or reaches a terminal as more than text, no message
breaks a command, and each is read in bounded time and memory. The standard library's email package is not
used for that: it recurses as deep as a message nests, and takes half of the time there is to start.
"""
