"""What is kept, copied away, brought back and looked after in the database."""
