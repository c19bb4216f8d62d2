variable "project" {
  description = "Project id."
  type        = string
}

variable "namespace" {
  description = "Kubernetes namespace of the pods."
  type        = string
}

variable "rule_files" {
  description = "Files of Prometheus rules, as text."
  type        = list(string)
}

variable "emails" {
  description = "Who is told."
  type        = list(string)

  validation {
    condition     = alltrue([for email in var.emails : can(regex("^[^@\\s]+@[^@\\s]+$", email))])
    error_message = "Addresses of e-mail, as team@example.org."
  }
}

variable "uptime_hosts" {
  description = "Public hosts that are looked at by HTTPS each minute, and the path of each."
  type        = map(string)

  validation {
    condition     = alltrue([for path in values(var.uptime_hosts) : startswith(path, "/")])
    error_message = "A path begins with a slash, as /v2/health/ready."
  }
}

variable "temporal_cloud" {
  description = "Temporal Cloud's address; null: a server of one's own."
  type        = object({ host = string, port = number })
}

variable "database" {
  description = "Whether there is a database of Temporal's."
  type        = bool
}

variable "cpu_quota" {
  description = "CPUs that the project may use of one machine family in the region; nine tenths of it are told. 0: not looked at."
  type        = number
}

variable "labels" {
  description = "Labels of policies and checks."
  type        = map(string)
}
