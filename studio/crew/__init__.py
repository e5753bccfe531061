"""The agents on duty in this process, and the words that explain a choice among them."""
