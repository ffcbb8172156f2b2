"""What runs an agent: one package a kind of harness, behind the protocol of ``protocol``."""
