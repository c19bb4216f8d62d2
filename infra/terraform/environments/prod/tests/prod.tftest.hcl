# prod as it would be applied: with Temporal Cloud, Vertex AI, a key of its own and a pipeline. No server of Google's is asked.
mock_provider "google" {
  override_during = plan

  mock_data "google_project" {
    defaults = { number = "123456789012" }
  }
  mock_data "google_storage_project_service_account" {
    defaults = { email_address = "service-123456789012@gs-project-accounts.iam.gserviceaccount.com" }
  }
  mock_data "google_bigquery_default_service_account" {
    defaults = { email = "bq-123456789012@bigquery-encryption.iam.gserviceaccount.com" }
  }
}

variables {
  project      = "acme-titrate-42"
  alert_emails = ["team@example.org"]
  temporal     = { mode = "cloud", host = "europe-west3.gcp.api.temporal.io", namespace = "titrate.a1b2c" }
  training     = "vertex"
  wandb_entity = "my-team"
  operators    = ["group:chemists@example.org"]
  image_digests = {
    worker   = "sha256:1111111111111111111111111111111111111111111111111111111111111111"
    training = "sha256:2222222222222222222222222222222222222222222222222222222222222222"
    dataflow = "sha256:3333333333333333333333333333333333333333333333333333333333333333"
  }
  pipeline             = { name = "my-team/titrate", id = "42", owner_id = "7" }
  budget               = { billing_account = "012345-678901-ABCDEF", monthly = 5000 }
  uptime_hosts         = { "models.example.org" = "/v2/health/live" }
  cpu_quota            = 500
  customer_managed_key = true
}

run "prod" {
  command = plan

  # Sizes and names.
  assert {
    condition     = output.kubernetes.node_pools == { cpu = { min = 2, max = 20 }, spot = { min = 0, max = 14 }, gpu = { min = 0, max = 8 } }
    error_message = "Pools: ${jsonencode(output.kubernetes.node_pools)}"
  }
  assert {
    condition     = output.kubernetes.location == "europe-west4" && output.kubernetes.cluster == "titrate"
    error_message = "prod is a regional cluster."
  }
  assert {
    condition     = output.settings.objects == { bucket = "acme-titrate-42-titrate", landingDays = 30, noncurrentDays = 90 }
    error_message = "Objects: ${jsonencode(output.settings.objects)}"
  }
  assert {
    condition     = output.tables == tolist(["applied", "batches", "dataset_rows", "measurements", "molecules", "picks", "quarantine", "schema_migrations"])
    error_message = "Tables: ${jsonencode(output.tables)}"
  }

  # What the program is told.
  assert {
    condition = output.settings.processing == {
      engine         = "dataflow"
      template       = "gs://acme-titrate-42-titrate/templates/standardise-333333333333.json"
      staging        = "gs://acme-titrate-42-titrate/staging"
      serviceAccount = "titrate-dataflow@acme-titrate-42.iam.gserviceaccount.com"
      subnetwork     = "regions/europe-west4/subnetworks/titrate-nodes"
      machineType    = "e2-standard-4"
      workerImage    = "europe-west4-docker.pkg.dev/acme-titrate-42/titrate/dataflow@sha256:3333333333333333333333333333333333333333333333333333333333333333"
      maxWorkers     = 20
    }
    error_message = "Processing: ${jsonencode(output.settings.processing)}"
  }
  assert {
    condition     = output.settings.training.engine == "vertex" && output.settings.training.acceleratorType == "NVIDIA_TESLA_T4"
    error_message = "Training: ${jsonencode(output.settings.training)}"
  }
  assert {
    condition     = output.settings.temporal == { host = "europe-west3.gcp.api.temporal.io", port = 7233, namespace = "titrate.a1b2c", tls = { mode = "on" } }
    error_message = "Temporal: ${jsonencode(output.settings.temporal)}"
  }
  assert {
    condition     = output.temporal_database == null
    error_message = "With Temporal Cloud there is no database."
  }

  # The pipeline.
  assert {
    condition     = output.pipeline.workload_identity_provider == "projects/123456789012/locations/global/workloadIdentityPools/titrate-ci/providers/github"
    error_message = "Provider: ${jsonencode(output.pipeline)}"
  }
}
