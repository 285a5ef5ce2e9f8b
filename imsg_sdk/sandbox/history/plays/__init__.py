"""What people write to each other, as data: plays, words and what they send besides."""
