"""What the exchange answers to the other parts of its hall and to its operator."""
