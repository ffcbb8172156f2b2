"""The objects a team owns, one module each: built from scratch, always the full intent."""
