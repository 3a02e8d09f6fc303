"""The things this project keeps, as nouns named `system/thing`."""
