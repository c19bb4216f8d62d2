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
