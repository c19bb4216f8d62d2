variable "project" {
  description = "Project id."
  type        = string
}

variable "region" {
  description = "Region that the values stay in."
  type        = string
}

variable "secrets" {
  description = "Secrets by name, and what each is."
  type        = map(object({ what = string }))
}

variable "deletion_protection" {
  description = "Whether Terraform refuses to delete them."
  type        = bool
}

variable "labels" {
  description = "Labels of the secrets."
  type        = map(string)
}
