# The application's own configuration, whole: what is left out has the program's default. `settings` is titrate.yaml; `environment` is the
# same for pods, as variables (src/platform/settings.ts reads both).
locals {
  temporal_settings = merge(
    { host = var.temporal.host, port = var.temporal.port, namespace = var.temporal.namespace },
    local.cloud ? { tls = { mode = "on" } } : {},
  )

  settings = {
    profile  = "gcp"
    temporal = local.temporal_settings
    google   = { project = var.project, region = var.region, location = var.location, labels = local.labels }
    objects  = { bucket = local.bucket, landingDays = var.landing_days, noncurrentDays = var.noncurrent_days }
    warehouse = {
      dataset = local.topology.dataset
    }
    processing = merge({ engine = local.dataflow ? "dataflow" : "inline" }, { for name, value in {
      template       = module.dataflow.template
      staging        = "gs://${local.bucket}/staging"
      serviceAccount = local.emails["titrate-dataflow"]
      subnetwork     = module.network.dataflow_subnetwork
      machineType    = local.scalers.dataflow.machineType
      workerImage    = local.images.dataflow
      maxWorkers     = local.bounds.dataflow.max
    } : name => value if local.dataflow })
    training = merge({ engine = var.training }, { for name, value in {
      image            = local.images.training
      serviceAccount   = local.emails["titrate-training"]
      machineType      = local.scalers.vertex.machineType
      acceleratorType  = upper(replace(local.scalers.vertex.accelerator.type, "-", "_"))
      acceleratorCount = local.scalers.vertex.accelerator.count
      maxJobs          = max(1, local.bounds.vertex.max)
    } : name => value if var.training == "vertex" })
    tracking  = var.wandb_entity == null ? { engine = "local" } : { engine = "wandb", entity = var.wandb_entity }
    inference = { auth = { mode = var.inference_auth } }
    rollout   = local.images.worker == null ? {} : { engine = "kubernetes" }
    kubernetes = merge(
      {
        namespace      = local.namespace
        serviceAccount = "titrate-inference"
        minReplicas    = local.components.inference.min
        maxReplicas    = local.components.inference.max
      },
      local.images.worker == null ? {} : { image = local.images.worker },
    )
  }

  emails = { for name in keys(local.topology.identities) : name => "${name}@${var.project}.iam.gserviceaccount.com" }

  # null where the program's default is meant.
  variables = {
    for variable, value in {
      TITRATE_PROFILE                    = local.settings.profile
      TITRATE_TEMPORAL_HOST              = local.settings.temporal.host
      TITRATE_TEMPORAL_PORT              = local.settings.temporal.port
      TITRATE_TEMPORAL_NAMESPACE         = local.settings.temporal.namespace
      TITRATE_TEMPORAL_TLS               = local.cloud ? "on" : null
      TITRATE_GOOGLE_PROJECT             = local.settings.google.project
      TITRATE_GOOGLE_REGION              = local.settings.google.region
      TITRATE_GOOGLE_LOCATION            = local.settings.google.location
      TITRATE_OBJECTS_BUCKET             = local.settings.objects.bucket
      TITRATE_WAREHOUSE_DATASET          = local.settings.warehouse.dataset
      TITRATE_PROCESSING_ENGINE          = local.settings.processing.engine
      TITRATE_PROCESSING_TEMPLATE        = try(local.settings.processing.template, null)
      TITRATE_PROCESSING_STAGING         = try(local.settings.processing.staging, null)
      TITRATE_PROCESSING_SERVICE_ACCOUNT = try(local.settings.processing.serviceAccount, null)
      TITRATE_PROCESSING_SUBNETWORK      = try(local.settings.processing.subnetwork, null)
      TITRATE_PROCESSING_MAX_WORKERS     = try(local.settings.processing.maxWorkers, null)
      TITRATE_TRAINING_ENGINE            = local.settings.training.engine
      TITRATE_TRAINING_IMAGE             = try(local.settings.training.image, null)
      TITRATE_TRAINING_SERVICE_ACCOUNT   = try(local.settings.training.serviceAccount, null)
      TITRATE_TRAINING_MAX_JOBS          = try(local.settings.training.maxJobs, null)
      TITRATE_TRACKING_ENGINE            = local.settings.tracking.engine
      TITRATE_TRACKING_ENTITY            = var.wandb_entity
      TITRATE_INFERENCE_AUTH             = local.settings.inference.auth.mode
      TITRATE_ROLLOUT_ENGINE             = try(local.settings.rollout.engine, null)
      TITRATE_KUBERNETES_NAMESPACE       = local.settings.kubernetes.namespace
      TITRATE_KUBERNETES_IMAGE           = local.images.worker
      TITRATE_KUBERNETES_MIN_REPLICAS    = local.settings.kubernetes.minReplicas
      TITRATE_KUBERNETES_MAX_REPLICAS    = local.settings.kubernetes.maxReplicas
    } : variable => value == null ? null : tostring(value)
  }
}

output "settings" {
  description = "titrate.yaml: `terraform output -json settings` is JSON, and so YAML."
  value       = local.settings
}

output "environment" {
  description = "The settings as TITRATE_* variables, for pods."
  value       = { for variable, value in local.variables : variable => value if value != null }
}

output "kubernetes" {
  description = "What infra/kubernetes/installation.cjs writes an overlay from."
  value = {
    environment  = var.environment
    project      = var.project
    cluster      = module.cluster.name
    location     = module.cluster.location
    namespace    = local.namespace
    variables    = local.variables
    accounts     = { for name, identity in local.topology.identities : name => local.emails[name] if identity.by == "pod" }
    registry     = local.registry
    images       = { for name, image in local.images : name => image if image != null }
    node_pools   = module.cluster.pools
    temporal     = { endpoint = "${var.temporal.host}:${var.temporal.port}", namespace = var.temporal.namespace, cloud = local.cloud }
    secrets      = { for name, secret in local.topology.secrets : name => secret if contains(module.secrets.names, name) }
    credentials  = "gcloud container clusters get-credentials ${module.cluster.name} --location ${module.cluster.location} --project ${var.project}${var.control_plane_by_name ? " --dns-endpoint" : " --internal-ip"}"
    service_port = local.topology.ports.inference
  }
}

output "temporal_database" {
  description = "Of a server of one's own: what the chart's values are filled in with (infra/temporal). null with Temporal Cloud."
  value       = local.self_hosted ? { host = one(module.temporal[*].database_host), instance = one(module.temporal[*].instance) } : null
}

output "pipeline" {
  description = "What the delivery pipeline signs in with; null: there is none."
  value = var.pipeline == null ? null : {
    workload_identity_provider = one(module.federation[*].identity_provider)
    service_account            = local.emails["titrate-ci"]
    registry                   = local.registry
  }
}

output "bindings" {
  description = "Who may do what: member, role and place."
  value       = module.identities.bindings
}

output "dataflow_template" {
  description = "The Flex Template as it is written; null: there is none yet."
  value       = module.dataflow.content
}

output "tables" {
  description = "Tables of the warehouse."
  value       = module.warehouse.tables
}

output "alert_policies" {
  description = "Names of the alert policies."
  value       = module.monitoring.policies
}
