"""The certificate of an authority for a host: renewed by a unit there, or by the machine that deploys.

Both run `services.renewal`. The unit does if the user hands over a token for the host (`unit`). If not,
the machine that deploys does, with the deploy's own token (`here`, `program`). `steps` decides which.
"""
