# What variables are refused for, before anything is made.
mock_provider "google" {
  override_during = plan

  mock_data "google_project" {
    defaults = { number = "123456789012" }
  }
}

variables {
  project             = "my-project"
  environment         = "prod"
  region              = "europe-west4"
  location            = "europe-west4"
  deletion_protection = true
  alert_emails        = ["team@example.org"]
  temporal            = { mode = "self-hosted" }
  ranges = {
    nodes           = "10.10.0.0/20"
    pods            = "10.12.0.0/15"
    services        = "10.10.16.0/20"
    control_plane   = "172.16.10.0/28"
    google_services = "10.10.64.0/20"
  }
}

run "all_at_once" {
  command = plan
  variables {
    project              = "My Project"
    environment          = "production"
    zone                 = "us-central1-a"
    location             = "EU"
    gpu_zones            = ["us-central1-a"]
    customer_managed_key = true
    image_digests        = { worker = "latest" }
    temporal             = { mode = "cloud", host = "temporal.example.org" }
    alert_emails         = []
  }
  expect_failures = [
    var.project, var.environment, var.zone, var.location, var.gpu_zones, var.image_digests, var.temporal, var.alert_emails,
  ]
}

run "prod_is_protected_and_complete" {
  command = plan
  variables {
    deletion_protection = false
    inference_auth      = "off"
    training            = "vertex"
  }
  expect_failures = [var.deletion_protection, var.inference_auth, var.training]
}
