"""The Rasa server's own parts: it hears and speaks."""
