"""The terminal: the Textual application and the kagents command."""
