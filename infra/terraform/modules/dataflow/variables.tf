variable "bucket" {
  description = "Bucket of the template and of temporary files."
  type        = string
}

variable "image" {
  description = "Image of infra/dataflow/Dockerfile by its digest; null: not built yet, and no template."
  type        = string

  validation {
    condition     = var.image == null || can(regex("@sha256:[0-9a-f]{64}$", var.image))
    error_message = "An image by its digest: NAME@sha256:…"
  }
}

variable "metadata" {
  description = "The template's parameters: infra/dataflow/metadata.json."
  type        = any
}

variable "subnetwork" {
  description = "As Dataflow takes it: regions/REGION/subnetworks/NAME."
  type        = string
}

variable "service_account" {
  description = "Account that launcher and workers run as."
  type        = string
}

variable "machine_type" {
  description = "Machine of a worker."
  type        = string
}

variable "max_workers" {
  description = "Workers of a job, at most."
  type        = number
}
