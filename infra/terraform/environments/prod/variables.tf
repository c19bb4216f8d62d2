# What is checked of them is checked in ../../platform.
variable "project" {
  description = "Id of the project. One project an environment: names in it are titrate's own."
  type        = string
}

variable "region" {
  description = "Region of the cluster, the images and the jobs."
  type        = string
  default     = "europe-west4"
}

variable "gpu_zones" {
  description = "Zones of the region that have the GPU: gcloud compute accelerator-types list --filter=name=nvidia-tesla-t4"
  type        = list(string)
  default     = ["europe-west4-b", "europe-west4-c"]
}

variable "image_digests" {
  description = "Digests of the images that run, by name (worker, training, dataflow). Those that are missing are not built yet."
  type        = map(string)
  default     = {}
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

variable "authorized_networks" {
  description = "Private ranges, beside the nodes, that may reach the control plane: a VPN, a bastion."
  type        = map(string)
  default     = {}
}

variable "wandb_entity" {
  description = "Team or user of Weights & Biases; null: runs are kept in the bucket alone."
  type        = string
  default     = null
}

variable "alert_emails" {
  description = "Who is told when something is wrong."
  type        = list(string)
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

variable "customer_managed_key" {
  description = "Whether data are encrypted by a key of the project's own (CMEK). Cannot be changed without making bucket and dataset anew."
  type        = bool
  default     = false
}

variable "training" {
  description = "Where models are trained: local (the gpu workers) or vertex (jobs of Vertex AI; needs image_digests.training)."
  type        = string
  default     = "local"
}

variable "inference_auth" {
  description = "Who may ask for predictions: keys, oidc or off."
  type        = string
  default     = "keys"
}

variable "security_group" {
  description = "gke-security-groups@DOMAIN, whose groups RBAC may name; null: none."
  type        = string
  default     = null
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
