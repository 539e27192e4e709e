"""The bucket that mail lies in, and when a sender hears that it does, read from the inventory. Pure."""
