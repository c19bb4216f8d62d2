# For trying out: small, one zone, and it may be deleted whole.
module "titrate" {
  source = "../../platform"

  environment         = "dev"
  project             = var.project
  region              = var.region
  zone                = "${var.region}-a"
  location            = var.region
  deletion_protection = false
  quarantine_days     = 180

  ranges = {
    nodes           = "10.20.0.0/22"
    pods            = "10.24.0.0/17"
    services        = "10.20.16.0/20"
    control_plane   = "172.16.20.0/28"
    google_services = "10.20.64.0/20"
  }

  inference_auth             = "keys"
  temporal                   = var.temporal
  temporal_database_password = var.temporal_database_password
  training                   = "local"
  image_digests              = var.image_digests
  pipeline                   = var.pipeline
  operators                  = var.operators
  authorized_networks        = var.authorized_networks
  wandb_entity               = var.wandb_entity
  alert_emails               = var.alert_emails
  budget                     = var.budget
}
