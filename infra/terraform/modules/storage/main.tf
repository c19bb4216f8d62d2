# The bucket of objects. Its rules for landings and replaced generations are those of the program itself (`titrate data prepare` finds nothing
# to change): src/objects/gcs-bucket.ts.
resource "google_storage_bucket" "objects" {
  project                     = var.project
  name                        = var.name
  location                    = var.location
  labels                      = var.labels
  storage_class               = "STANDARD"
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = var.force_destroy

  versioning {
    enabled = true
  }

  soft_delete_policy {
    retention_duration_seconds = var.soft_delete_days * 24 * 60 * 60
  }

  # Landings that nobody has touched: the custom time is set again each time one is used.
  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      days_since_custom_time = var.landing_days
      matches_prefix         = ["landing/"]
    }
  }

  # Generations that were replaced or deleted.
  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      days_since_noncurrent_time = var.noncurrent_days
    }
  }

  # Dataflow's temporary files.
  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      age            = var.staging_days
      matches_prefix = ["staging/"]
    }
  }

  lifecycle_rule {
    action {
      type = "AbortIncompleteMultipartUpload"
    }
    condition {
      age = 7
    }
  }

  dynamic "encryption" {
    for_each = var.kms_key == null ? [] : [var.kms_key]
    content {
      default_kms_key_name = encryption.value
    }
  }
}
