"""The receiver of what Centra pushes: the one part of this project that others may reach."""
