variable "project" {
  description = "Id of the project. One project an environment: names in it are titrate's own."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "A project id is 6 to 30 characters: a-z, 0-9 and -, as my-project-42."
  }
}

variable "environment" {
  description = "dev or prod: chooses the bounds of every scaler in topology.json."
  type        = string

  validation {
    condition     = contains(["dev", "prod"], var.environment)
    error_message = "One of dev, prod."
  }
}

variable "region" {
  description = "Region of the cluster, the images and the jobs."
  type        = string

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "A region, as europe-west4."
  }
}

variable "zone" {
  description = "Zone of a cluster of one zone; null: a regional one."
  type        = string
  default     = null

  validation {
    condition     = var.zone == null || can(regex("^${var.region}-[a-z]$", var.zone))
    error_message = "A zone of the region, as europe-west4-a."
  }
}

variable "gpu_zones" {
  description = "Zones of the region that have the GPU (gcloud compute accelerator-types list --filter=name=nvidia-tesla-t4); null: those of the cluster."
  type        = list(string)
  default     = null

  validation {
    condition     = var.gpu_zones == null || alltrue([for zone in coalesce(var.gpu_zones, []) : can(regex("^${var.region}-[a-z]$", zone))])
    error_message = "Zones of the region, as europe-west4-b: name those of yours that have the GPU."
  }
}

variable "location" {
  description = "Location of bucket and dataset: the region, or a multi-region (EU, US) that it lies in."
  type        = string

  validation {
    condition     = can(regex("^([a-z]+-[a-z]+[0-9]+|EU|US)$", var.location))
    error_message = "A region, as europe-west4, or EU or US."
  }
  validation {
    condition     = !var.customer_managed_key || var.location == var.region
    error_message = "With a key of one's own, bucket and dataset are in the key's location: the region."
  }
}

variable "labels" {
  description = "Labels of everything that takes some, beside application and environment."
  type        = map(string)
  default     = {}
}

variable "ranges" {
  description = "Private address ranges; pods: a /17 carries 128 nodes."
  type = object({
    nodes           = string
    pods            = string
    services        = string
    control_plane   = string
    google_services = string
  })
}

variable "authorized_networks" {
  description = "Private ranges, beside the nodes, that may reach the control plane: a VPN, a bastion."
  type        = map(string)
  default     = {}
}

variable "control_plane_by_name" {
  description = "Whether kubectl may come from outside of the network: by a DNS name of Google's and by IAM."
  type        = bool
  default     = true
}

variable "security_group" {
  description = "gke-security-groups@DOMAIN, whose groups RBAC may name; null: none."
  type        = string
  default     = null
}

variable "release_channel" {
  description = "Release channel of GKE."
  type        = string
  default     = "REGULAR"
}

variable "deletion_protection" {
  description = "Whether what holds data, and the cluster, refuse to be deleted."
  type        = bool

  validation {
    condition     = var.deletion_protection || var.environment != "prod"
    error_message = "prod is protected. To decommission it, see docs: data first."
  }
}

variable "customer_managed_key" {
  description = "Whether data are encrypted by a key of the project's own (CMEK). Cannot be changed without making bucket and dataset anew."
  type        = bool
  default     = false
}

variable "landing_days" {
  description = "The setting objects.landingDays."
  type        = number
  default     = 30
}

variable "noncurrent_days" {
  description = "The setting objects.noncurrentDays."
  type        = number
  default     = 90
}

variable "quarantine_days" {
  description = "Days after which rows of the quarantine expire from the warehouse; null: never. What was quarantined stays in the bucket."
  type        = number
  default     = null
}

variable "image_digests" {
  description = "Digests of the images that run, by name (worker, training, dataflow). Those that are missing are not built yet."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for name in keys(var.image_digests) : contains(["worker", "training", "dataflow"], name)])
    error_message = "Images are worker, training and dataflow."
  }
  validation {
    condition     = alltrue([for digest in values(var.image_digests) : can(regex("^sha256:[0-9a-f]{64}$", digest))])
    error_message = "A digest is sha256: and 64 hexadecimal digits."
  }
}

variable "training" {
  description = "Where models are trained: local (the gpu workers) or vertex (jobs of Vertex AI; needs image_digests.training)."
  type        = string
  default     = "local"

  validation {
    condition     = contains(["local", "vertex"], var.training)
    error_message = "One of local, vertex."
  }
  validation {
    condition     = var.training != "vertex" || contains(keys(var.image_digests), "training")
    error_message = "vertex needs the image of the jobs: image_digests.training."
  }
}

variable "inference_auth" {
  description = "Who may ask for predictions: keys, oidc or off."
  type        = string
  default     = "keys"

  validation {
    condition     = contains(["keys", "oidc", "off"], var.inference_auth)
    error_message = "One of keys, oidc, off."
  }
  validation {
    condition     = var.inference_auth != "off" || var.environment != "prod"
    error_message = "In prod whoever asks for predictions says who they are: keys or oidc."
  }
}

variable "wandb_entity" {
  description = "Team or user of Weights & Biases; null: runs are kept in the bucket alone."
  type        = string
  default     = null
}

variable "temporal" {
  description = "mode cloud: host, port and namespace of Temporal Cloud. mode self-hosted: a server in the cluster (infra/temporal), whose database is made here."
  type = object({
    mode             = string
    host             = optional(string, "temporal-frontend.temporal.svc")
    port             = optional(number, 7233)
    namespace        = optional(string, "titrate")
    tier             = optional(string, "db-custom-2-7680")
    password_version = optional(number, 0)
  })

  validation {
    condition     = contains(["cloud", "self-hosted"], var.temporal.mode)
    error_message = "mode is cloud or self-hosted."
  }
  validation {
    condition     = var.temporal.mode != "cloud" || can(regex("\\.(api\\.temporal\\.io|tmprl\\.cloud)$", var.temporal.host))
    error_message = "Temporal Cloud's host is REGION.PROVIDER.api.temporal.io (API keys) or NAMESPACE.ACCOUNT.tmprl.cloud."
  }
  validation {
    condition     = var.temporal.mode != "cloud" || can(regex("^[a-z0-9-]+\\.[a-z0-9]+$", var.temporal.namespace))
    error_message = "A namespace of Temporal Cloud has the account's id: name.account."
  }
}

variable "temporal_database_password" {
  description = "Password of Temporal's database; in the environment as TF_VAR_temporal_database_password when temporal.password_version is raised. The state does not keep it."
  type        = string
  default     = null
  sensitive   = true
}

variable "pipeline" {
  description = "The GitHub repository and branch whose runs deliver; null: no pipeline."
  type = object({
    name     = string
    id       = string
    owner_id = string
    branch   = optional(string, "main")
  })
  default = null
}

variable "operators" {
  description = "People who may take on titrate-operator, which looks (titrate doctor): user:… or group:…"
  type        = list(string)
  default     = []
}

variable "alert_emails" {
  description = "Who is told when something is wrong."
  type        = list(string)

  validation {
    condition     = length(var.alert_emails) > 0
    error_message = "At least one address: alerts that nobody gets are none."
  }
}

variable "uptime_hosts" {
  description = "Public hosts that are looked at each minute, and the path of each: { \"models.example.org\" = \"/v2/health/live\" }."
  type        = map(string)
  default     = {}
}

variable "cpu_quota" {
  description = "CPUs that the project may use of one machine family in the region, for an alert at nine tenths; 0: none."
  type        = number
  default     = 0
}

variable "budget" {
  description = "Money a month that people are told about; null: none."
  type = object({
    billing_account = string
    monthly         = number
    currency        = optional(string, "EUR")
  })
  default = null
}
