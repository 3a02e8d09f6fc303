"""Exceptions as people meet them: the register, alerts and their delivery."""
