variable "project" {
  description = "Project id."
  type        = string
}

variable "region" {
  description = "Region of the instance."
  type        = string
}

variable "name" {
  description = "Name of the instance. After it was deleted Cloud SQL does not take the same name again for a week."
  type        = string
}

variable "network" {
  description = "Id of the network."
  type        = string
}

variable "services_range" {
  description = "Private range for Google's side of the peering, a /24 or larger."
  type        = string

  validation {
    condition     = can(cidrhost(var.services_range, 0)) && try(tonumber(split("/", var.services_range)[1]) <= 24, false)
    error_message = "A block of addresses, a /24 or larger."
  }
}

variable "tier" {
  description = "Machine of Cloud SQL."
  type        = string
}

variable "standby" {
  description = "Whether a second zone stands by."
  type        = bool
}

variable "backups" {
  description = "Daily backups that are kept."
  type        = number
}

variable "password" {
  description = "Password of the database's user; needed only when password_version is raised."
  type        = string
  default     = null
  sensitive   = true
}

variable "password_version" {
  description = "Raised to set the password; 0: no user yet."
  type        = number

  validation {
    condition     = var.password_version >= 0 && floor(var.password_version) == var.password_version
    error_message = "0, 1, 2, …"
  }
}

variable "deletion_protection" {
  description = "Whether Terraform and Google refuse to delete the instance."
  type        = bool
}

variable "labels" {
  description = "Labels of the instance."
  type        = map(string)
}
