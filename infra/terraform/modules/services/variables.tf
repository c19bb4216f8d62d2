variable "project" {
  description = "Project id."
  type        = string
}

variable "services" {
  description = "APIs to enable, by their host names."
  type        = list(string)

  validation {
    condition     = alltrue([for service in var.services : endswith(service, ".googleapis.com")])
    error_message = "APIs are named by their hosts, as compute.googleapis.com."
  }
}
