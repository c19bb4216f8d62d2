# dev as it would be applied before any image is built: a Temporal server of its own, no GPU. No server of Google's is asked.
mock_provider "google" {
  override_during = plan

  mock_data "google_project" {
    defaults = { number = "123456789012" }
  }
}

variables {
  project                    = "acme-titrate-42"
  alert_emails               = ["team@example.org"]
  temporal                   = { mode = "self-hosted", password_version = 1 }
  temporal_database_password = "not a password"
}

run "dev" {
  command = plan

  assert {
    condition     = output.kubernetes.node_pools == { cpu = { min = 1, max = 3 }, spot = { min = 0, max = 1 } }
    error_message = "dev has no pool of GPUs: ${jsonencode(output.kubernetes.node_pools)}"
  }
  assert {
    condition     = output.kubernetes.location == "europe-west4-a"
    error_message = "dev is a cluster of one zone."
  }
  assert {
    condition     = output.settings.processing == { engine = "inline" } && output.settings.training == { engine = "local" }
    error_message = "Without images there are no jobs: ${jsonencode([output.settings.processing, output.settings.training])}"
  }
  assert {
    condition     = !can(output.settings.rollout.engine) && !can(output.settings.kubernetes.image) && output.dataflow_template == null
    error_message = "Without images nothing is rolled out: ${jsonencode(output.settings)}"
  }
  assert {
    condition     = output.settings.temporal == { host = "temporal-frontend.temporal.svc", port = 7233, namespace = "titrate" }
    error_message = "Temporal: ${jsonencode(output.settings.temporal)}"
  }
  assert {
    condition     = output.temporal_database.instance == "titrate-temporal"
    error_message = "A server of one's own has a database."
  }
  assert {
    condition     = !contains(keys(output.kubernetes.secrets), "titrate-temporal-api-key")
    error_message = "Only Temporal Cloud has an API key."
  }
  assert {
    condition     = !anytrue([for binding in values(output.bindings) : binding.on == "secret:titrate-temporal-api-key"])
    error_message = "Nobody reads a secret that is not there."
  }
  assert {
    condition     = output.pipeline == null
    error_message = "Without a repository there is no pipeline."
  }
}
