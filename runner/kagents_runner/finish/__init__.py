"""The end of a coding team: ``merge`` joins the agents' branches, ``finish`` pushes them and asks for review.

Two containers of one pod. ``merge`` sees the agents' work and no credential; ``finish`` sees the credentials
and nothing but a repository that no agent has ever touched. Between them lies ``KAGENTS_FINISH_DIR``.
"""
