"""The simulated Centra: GraphQL over HTTP."""
