"""Whether an order may be sent: rules over orders, lines and SKUs, judged by Pandera."""
