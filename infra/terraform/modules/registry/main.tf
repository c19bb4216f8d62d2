# One repository for the images. A tag that was pushed stays what it is; what runs names images by their digest.
resource "google_artifact_registry_repository" "this" {
  project                = var.project
  location               = var.region
  repository_id          = var.name
  description            = "Images of titrate: worker, training, dataflow."
  format                 = "DOCKER"
  labels                 = var.labels
  cleanup_policy_dry_run = false

  docker_config {
    immutable_tags = true
  }

  vulnerability_scanning_config {
    enablement_config = "INHERITED"
  }

  # An image that is kept by one policy is not deleted by another.
  cleanup_policies {
    id     = "keep-recent"
    action = "KEEP"
    most_recent_versions {
      keep_count = var.keep_versions
    }
  }

  cleanup_policies {
    id     = "keep-releases"
    action = "KEEP"
    condition {
      tag_state    = "TAGGED"
      tag_prefixes = ["v"]
    }
  }

  cleanup_policies {
    id     = "delete-old"
    action = "DELETE"
    condition {
      tag_state  = "ANY"
      older_than = "${var.delete_after_days * 24 * 60 * 60}s"
    }
  }
}

resource "google_artifact_registry_repository_iam_member" "nodes" {
  project    = var.project
  location   = var.region
  repository = google_artifact_registry_repository.this.name
  role       = "roles/artifactregistry.reader"
  member     = "serviceAccount:${var.node_account}"
}
