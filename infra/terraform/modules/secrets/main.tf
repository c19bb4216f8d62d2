# Places for secrets. Their values are never Terraform's: they would stand in its state. People add them (README.md).
resource "google_secret_manager_secret" "this" {
  for_each = var.secrets

  project             = var.project
  secret_id           = each.key
  labels              = var.labels
  version_destroy_ttl = "2592000s" # 30 days: a version that was destroyed by mistake can be had back
  deletion_protection = var.deletion_protection
  annotations         = { what = each.value.what }

  replication {
    user_managed {
      replicas {
        location = var.region
      }
    }
  }
}
