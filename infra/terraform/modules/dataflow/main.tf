# The Flex Template of infra/dataflow: what `gcloud dataflow flex-template build` would write. Machines have private addresses only. Each image has
# a template of its own, and the older ones stay: workers of an older version go on launching theirs.
locals {
  template = var.image == null ? null : "templates/standardise-${substr(split("@sha256:", var.image)[1], 0, 12)}.json"
}

resource "google_storage_bucket_object" "template" {
  count = var.image == null ? 0 : 1

  bucket       = var.bucket
  name         = local.template
  content_type = "application/json"
  # Out of Terraform's sight, not deleted.
  deletion_policy = "ABANDON"
  content = jsonencode({
    image    = var.image
    metadata = var.metadata
    sdkInfo  = { language = "PYTHON" }
    defaultEnvironment = {
      ipConfiguration     = "WORKER_IP_PRIVATE"
      subnetwork          = var.subnetwork
      serviceAccountEmail = var.service_account
      machineType         = var.machine_type
      maxWorkers          = var.max_workers
      stagingLocation     = "gs://${var.bucket}/staging/staging"
      tempLocation        = "gs://${var.bucket}/staging/temp"
    }
  })
}
