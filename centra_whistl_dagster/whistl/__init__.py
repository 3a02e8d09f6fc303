"""Client of the Whistl API. Its specification is not public: what is unconfirmed is a setting."""
