# For campaigns that count: a regional cluster, GPUs, everything that holds data protected.
module "titrate" {
  source = "../../platform"

  environment          = "prod"
  project              = var.project
  region               = var.region
  location             = var.region
  gpu_zones            = var.gpu_zones
  deletion_protection  = true
  customer_managed_key = var.customer_managed_key

  ranges = {
    nodes           = "10.10.0.0/20"
    pods            = "10.12.0.0/15"
    services        = "10.10.16.0/20"
    control_plane   = "172.16.10.0/28"
    google_services = "10.10.64.0/20"
  }

  inference_auth             = var.inference_auth
  temporal                   = var.temporal
  temporal_database_password = var.temporal_database_password
  training                   = var.training
  image_digests              = var.image_digests
  pipeline                   = var.pipeline
  operators                  = var.operators
  authorized_networks        = var.authorized_networks
  security_group             = var.security_group
  wandb_entity               = var.wandb_entity
  alert_emails               = var.alert_emails
  uptime_hosts               = var.uptime_hosts
  cpu_quota                  = var.cpu_quota
  budget                     = var.budget
}
