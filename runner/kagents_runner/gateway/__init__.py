"""The model gateway of a hub: it alone has the model's key, passes requests on, and counts what they cost."""
