"""Who really sent a message: SPF, DKIM, DMARC and the reverse name, reported in one field (RFC 8601).

This room knows neither SMTP nor storage nor the configuration. Its only input and output is a `Resolver`.
"""
