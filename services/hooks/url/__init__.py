"""A hook that posts to a URL: which addresses it may reach, the request, the connection, and the answer."""
