"""Rules of orders: what one is, whether it may go, by which service, in which state it is."""
