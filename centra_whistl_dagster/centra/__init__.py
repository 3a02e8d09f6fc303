"""Client of Centra's GraphQL Integration API; `schema.graphql` holds the part that we use."""
