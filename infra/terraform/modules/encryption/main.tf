# A key of one's own (CMEK) for the bucket, the dataset, secrets in the cluster and the nodes' disks.
data "google_project" "this" {
  project_id = var.project
}

data "google_storage_project_service_account" "this" {
  project = var.project
}

data "google_bigquery_default_service_account" "this" {
  project = var.project
}

locals {
  # https://cloud.google.com/iam/docs/service-agents: who encrypts and decrypts on the project's behalf.
  agents = {
    storage  = data.google_storage_project_service_account.this.email_address
    bigquery = data.google_bigquery_default_service_account.this.email
    gke      = "service-${data.google_project.this.number}@container-engine-robot.iam.gserviceaccount.com"
    compute  = "service-${data.google_project.this.number}@compute-system.iam.gserviceaccount.com"
  }
}

resource "google_kms_key_ring" "this" {
  project  = var.project
  location = var.region
  name     = "titrate"
}

resource "google_kms_crypto_key" "this" {
  key_ring                   = google_kms_key_ring.this.id
  name                       = "titrate"
  purpose                    = "ENCRYPT_DECRYPT"
  rotation_period            = "7776000s" # 90 days
  destroy_scheduled_duration = "2592000s" # 30 days: time to find out that something still needs it
  labels                     = var.labels

  version_template {
    algorithm        = "GOOGLE_SYMMETRIC_ENCRYPTION"
    protection_level = "SOFTWARE"
  }

  lifecycle {
    # Without the key everything that it encrypts is lost.
    prevent_destroy = true
  }
}

resource "google_kms_crypto_key_iam_member" "agents" {
  for_each = local.agents

  crypto_key_id = google_kms_crypto_key.this.id
  role          = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
  member        = "serviceAccount:${each.value}"
}
