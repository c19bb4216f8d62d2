variable "project" {
  description = "Project id."
  type        = string
}

variable "name" {
  description = "Name of the bucket; all of Google Cloud shares them."
  type        = string
}

variable "location" {
  description = "Region or multi-region."
  type        = string
}

variable "landing_days" {
  description = "Days after its last touch that a landing is deleted: the setting objects.landingDays."
  type        = number
}

variable "noncurrent_days" {
  description = "Days that a replaced or deleted generation can be restored: the setting objects.noncurrentDays."
  type        = number

  validation {
    condition     = var.noncurrent_days >= 7
    error_message = "At least 7 days: what was deleted by mistake is restored from here."
  }
}

variable "staging_days" {
  description = "Days that Dataflow's temporary files are kept; longer than its jobs run."
  type        = number
  default     = 14

  validation {
    condition     = var.staging_days >= 2
    error_message = "At least 2 days: a job's files must outlive the job."
  }
}

variable "soft_delete_days" {
  description = "Days that even a deleted generation can be had back from Google; 0 or 7 to 90."
  type        = number

  validation {
    condition     = var.soft_delete_days == 0 || (var.soft_delete_days >= 7 && var.soft_delete_days <= 90)
    error_message = "Cloud Storage takes 0 or 7 to 90 days."
  }
}

variable "force_destroy" {
  description = "Whether Terraform may delete the bucket with what is in it."
  type        = bool
}

variable "kms_key" {
  description = "Key of the bucket; null: Google's."
  type        = string
  default     = null
}

variable "labels" {
  description = "Labels of the bucket."
  type        = map(string)
}
