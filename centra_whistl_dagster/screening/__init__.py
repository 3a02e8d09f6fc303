"""Whether an order may be sent: the domain's rules as Pandera schemas over orders and lines."""
