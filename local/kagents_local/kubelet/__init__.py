"""A kubelet whose containers are processes of this machine."""
