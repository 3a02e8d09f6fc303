"""Dagster's code server, made to start each run warm. It takes what `dagster api grpc` takes."""
