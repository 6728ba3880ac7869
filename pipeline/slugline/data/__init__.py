"""Articles and sentences: what they are, and how files become them."""
