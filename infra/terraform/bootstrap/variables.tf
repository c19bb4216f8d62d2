variable "project" {
  description = "Id of the project."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "A project id is 6 to 30 characters: a-z, 0-9 and -, as my-project-42."
  }
}

variable "region" {
  description = "Region of the bucket."
  type        = string
  default     = "europe-west4"
}
