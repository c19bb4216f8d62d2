variable "project" {
  description = "Project id."
  type        = string
}

variable "region" {
  description = "Region of the repository."
  type        = string
}

variable "name" {
  description = "Name of the repository."
  type        = string
}

variable "node_account" {
  description = "Account of the cluster's nodes, which pull the images."
  type        = string
}

variable "keep_versions" {
  description = "Versions of each image that are kept, however old: a model that serves keeps the image it was released with."
  type        = number
}

variable "delete_after_days" {
  description = "Days after which other versions without a release's tag (v…) are deleted."
  type        = number

  validation {
    condition     = var.delete_after_days >= 30
    error_message = "At least 30 days: campaigns wait for weeks on the version of the workers that they began with."
  }
}

variable "labels" {
  description = "Labels of the repository."
  type        = map(string)
}
