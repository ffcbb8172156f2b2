"""What the cluster tests share: the cluster, its images and volumes, kubectl and helm, and manifests."""
