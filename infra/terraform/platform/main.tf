# Everything that titrate needs of one Google Cloud project. The environments (../environments) call it with their sizes; what has a name in the
# program has it from topology.json, which is written by scripts/topology.ts.
data "google_project" "this" {
  project_id = var.project
}

locals {
  topology = jsondecode(file("${path.module}/../topology.json"))
  tables   = jsondecode(file("${path.module}/../tables.json"))

  labels     = merge({ application = "titrate", environment = var.environment }, var.labels)
  prod       = var.environment == "prod"
  name       = "titrate"
  node_tag   = "titrate-node"
  namespace  = local.topology.namespace
  bucket     = "${var.project}${local.topology.bucketSuffixes.objects}"
  registry   = "${var.region}-docker.pkg.dev/${var.project}/${local.topology.repository}"
  kms_key    = one(module.encryption[*].key)
  scalers    = local.topology.scalers
  bounds     = { for name, scaler in local.scalers : name => scaler.bounds[var.environment] }
  components = { for name, component in local.topology.components : name => component.scaling.bounds[var.environment] }

  # Images that are built, by their digest: what runs is what was tested.
  images = {
    for name in keys(local.topology.images) : name =>
    lookup(var.image_digests, name, null) == null ? null : "${local.registry}/${name}@${var.image_digests[name]}"
  }

  cloud       = var.temporal.mode == "cloud"
  self_hosted = var.temporal.mode == "self-hosted"
  dataflow    = local.images.dataflow != null && local.bounds.dataflow.max > 0
}

module "services" {
  source  = "../modules/services"
  project = var.project
  services = concat([
    "aiplatform.googleapis.com",
    "artifactregistry.googleapis.com",
    "bigquery.googleapis.com",
    "billingbudgets.googleapis.com",
    "binaryauthorization.googleapis.com",
    "cloudresourcemanager.googleapis.com",
    "compute.googleapis.com",
    "container.googleapis.com",
    "containerscanning.googleapis.com",
    "containersecurity.googleapis.com",
    "dataflow.googleapis.com",
    "iam.googleapis.com",
    "iamcredentials.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "secretmanager.googleapis.com",
    "serviceusage.googleapis.com",
    "storage.googleapis.com",
    "sts.googleapis.com",
    ],
    var.customer_managed_key ? ["cloudkms.googleapis.com"] : [],
    local.self_hosted ? ["servicenetworking.googleapis.com", "sqladmin.googleapis.com"] : [],
  )
}

# Who read a secret, who wrote an object or a row: in the audit log, which has changes of settings by itself.
resource "google_project_iam_audit_config" "this" {
  for_each = {
    "secretmanager.googleapis.com" = ["ADMIN_READ", "DATA_READ", "DATA_WRITE"]
    "storage.googleapis.com"       = ["ADMIN_READ", "DATA_WRITE"]
    "bigquery.googleapis.com"      = ["ADMIN_READ", "DATA_WRITE"]
    "sts.googleapis.com"           = ["ADMIN_READ", "DATA_READ", "DATA_WRITE"]
  }

  project = var.project
  service = each.key

  dynamic "audit_log_config" {
    for_each = each.value
    content {
      log_type = audit_log_config.value
    }
  }

  depends_on = [module.services]
}

module "encryption" {
  source = "../modules/encryption"
  count  = var.customer_managed_key ? 1 : 0

  project    = var.project
  region     = var.region
  labels     = local.labels
  depends_on = [module.services]
}

module "network" {
  source = "../modules/network"

  project       = var.project
  region        = var.region
  name          = local.name
  node_tag      = local.node_tag
  ranges        = { nodes = var.ranges.nodes, pods = var.ranges.pods, services = var.ranges.services, control_plane = var.ranges.control_plane }
  flow_sampling = local.prod ? 0.5 : 0.1
  depends_on    = [module.services]
}

module "cluster" {
  source = "../modules/cluster"

  project               = var.project
  name                  = local.name
  location              = coalesce(var.zone, var.region)
  network               = module.network.network
  subnetwork            = module.network.subnetwork
  node_tag              = local.node_tag
  control_plane_range   = var.ranges.control_plane
  authorized_networks   = merge({ nodes = var.ranges.nodes }, var.authorized_networks)
  control_plane_by_name = var.control_plane_by_name
  security_group        = var.security_group
  release_channel       = var.release_channel
  kms_key               = local.kms_key
  deletion_protection   = var.deletion_protection
  labels                = local.labels

  pools = {
    for name, scaler in local.scalers : name => {
      machine_type = scaler.machineType
      spot         = scaler.spot
      min          = local.bounds[name].min
      max          = local.bounds[name].max
      disk_gb      = 100
      accelerator  = lookup(scaler, "accelerator", null)
      zones        = lookup(scaler, "accelerator", null) == null ? null : var.gpu_zones
    } if scaler.by == "node-pool"
  }
}

module "registry" {
  source = "../modules/registry"

  project           = var.project
  region            = var.region
  name              = local.topology.repository
  node_account      = module.cluster.node_account
  keep_versions     = local.prod ? 20 : 5
  delete_after_days = local.prod ? 180 : 30
  labels            = local.labels
  depends_on        = [module.services]
}

module "storage" {
  source = "../modules/storage"

  project          = var.project
  name             = local.bucket
  location         = var.location
  landing_days     = var.landing_days
  noncurrent_days  = var.noncurrent_days
  soft_delete_days = local.prod ? 30 : 7
  force_destroy    = !var.deletion_protection
  kms_key          = local.kms_key
  labels           = local.labels
  depends_on       = [module.services]
}

module "warehouse" {
  source = "../modules/warehouse"

  project             = var.project
  dataset             = local.topology.dataset
  location            = var.location
  tables              = local.tables
  partition_days      = var.quarantine_days == null ? {} : { quarantine = var.quarantine_days }
  delete_contents     = !var.deletion_protection
  deletion_protection = var.deletion_protection
  kms_key             = local.kms_key
  labels              = local.labels
  depends_on          = [module.services]
}

module "secrets" {
  source = "../modules/secrets"

  project             = var.project
  region              = var.region
  secrets             = { for name, secret in local.topology.secrets : name => { what = secret.what } if local.cloud || name != "titrate-temporal-api-key" }
  deletion_protection = var.deletion_protection
  labels              = local.labels
  depends_on          = [module.services]
}

module "federation" {
  source = "../modules/federation"
  count  = var.pipeline == null ? 0 : 1

  project        = var.project
  project_number = data.google_project.this.number
  repository     = var.pipeline
  depends_on     = [module.services]
}

module "identities" {
  source = "../modules/identities"

  project             = var.project
  region              = var.region
  namespace           = local.namespace
  workload_pool       = module.cluster.workload_pool
  identities          = { for name, identity in local.topology.identities : name => { by = identity.by, what = identity.what } }
  custom_roles        = local.topology.customRoles
  federated_principal = one(module.federation[*].principal)
  operators           = var.operators

  # A secret that is not made has nobody who reads it.
  bindings = {
    for key, binding in local.topology.bindings : key => binding
    if local.cloud || binding.on != "secret:titrate-temporal-api-key"
  }
  places = {
    dataset    = module.warehouse.dataset
    repository = module.registry.name
    buckets = {
      objects = module.storage.bucket
      tfstate = "${var.project}${local.topology.bucketSuffixes.tfstate}"
    }
  }

  depends_on = [module.services, module.secrets]
}

module "dataflow" {
  source = "../modules/dataflow"

  bucket          = module.storage.bucket
  image           = local.dataflow ? local.images.dataflow : null
  metadata        = jsondecode(file("${path.module}/../../dataflow/metadata.json"))
  subnetwork      = module.network.dataflow_subnetwork
  service_account = module.identities.emails["titrate-dataflow"]
  machine_type    = local.scalers.dataflow.machineType
  max_workers     = local.bounds.dataflow.max
}

module "temporal" {
  source = "../modules/temporal"
  count  = local.self_hosted ? 1 : 0

  project             = var.project
  region              = var.region
  name                = "titrate-temporal"
  network             = module.network.network
  services_range      = var.ranges.google_services
  tier                = var.temporal.tier
  standby             = local.prod
  backups             = local.prod ? 30 : 7
  password            = var.temporal_database_password
  password_version    = var.temporal.password_version
  deletion_protection = var.deletion_protection
  labels              = local.labels
}

module "monitoring" {
  source = "../modules/monitoring"

  project        = var.project
  namespace      = local.namespace
  rule_files     = [for name in fileset("${path.module}/../../monitoring/rules", "*.yml") : file("${path.module}/../../monitoring/rules/${name}")]
  emails         = var.alert_emails
  uptime_hosts   = var.uptime_hosts
  temporal_cloud = local.cloud ? { host = var.temporal.host, port = var.temporal.port } : null
  database       = local.self_hosted
  cpu_quota      = var.cpu_quota
  labels         = local.labels
  depends_on     = [module.services]
}

module "budget" {
  source = "../modules/budget"
  count  = var.budget == null ? 0 : 1

  project               = var.project
  project_number        = data.google_project.this.number
  billing_account       = var.budget.billing_account
  monthly               = var.budget.monthly
  currency              = var.budget.currency
  notification_channels = module.monitoring.channels
}
