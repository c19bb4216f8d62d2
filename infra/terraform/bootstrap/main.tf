# The bucket of the states, once a project and before everything else (../README.md). Cloud Storage locks a state while it is written.
resource "google_project_service" "this" {
  for_each = toset([
    "cloudresourcemanager.googleapis.com",
    "iam.googleapis.com",
    "serviceusage.googleapis.com",
    "storage.googleapis.com",
  ])

  project            = var.project
  service            = each.value
  disable_on_destroy = false
}

resource "google_storage_bucket" "state" {
  project                     = var.project
  name                        = "${var.project}${local.suffix}"
  location                    = var.region
  labels                      = { application = "titrate" }
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = false

  versioning {
    enabled = true
  }

  soft_delete_policy {
    retention_duration_seconds = 2592000 # 30 days
  }

  # Fifty states back, and nothing younger than 90 days is deleted.
  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      num_newer_versions         = 50
      days_since_noncurrent_time = 90
    }
  }

  lifecycle {
    prevent_destroy = true
  }

  depends_on = [google_project_service.this]
}

locals {
  suffix = jsondecode(file("${path.module}/../topology.json")).bucketSuffixes.tfstate
}
