"""Benchmarks of the parts whose speed a large brand would notice; `make bench` runs them."""
