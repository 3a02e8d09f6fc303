"""Centra, spoken to through its GraphQL Integration API (`schema.graphql` has the part we use)."""
